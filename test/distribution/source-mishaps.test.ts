import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type SourceWorld, sourcesAround } from '../support/certificate-sources.ts'
import { makeChain } from '../support/certificates.ts'
import { distributionWorld } from '../support/distribution-world.ts'
import { type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'

const servers = await serversUnderTest()

describe.each(servers)('A certificate source at $product', (binary) => {
  let world: SourceWorld
  let proxy: FaultProxy

  beforeAll(async () => {
    const around = await distributionWorld(binary)
    proxy = await startFaultProxy(around.server.address)
    world = await sourcesAround(around, proxy.url)
  })
  afterAll(async () => {
    await proxy?.close()
    await world?.stop()
  })

  const issued = (cn: string) => ({
    kind: 'issued',
    integrationId: world.integrationId,
    wish: { mount: 'pki', role: 'web', commonName: cn, domains: [cn] },
  })
  const stored = (path: string) => ({
    kind: 'stored',
    integrationId: world.integrationId,
    place: { mount: 'secret', path: `source/${path}` },
  })
  const put = (path: string, { leaf, chain }: ReturnType<typeof makeChain>) =>
    world.server.api('POST', `secret/data/source/${path}`, {
      data: { certificate: leaf.pem, private_key: leaf.keyPem, chain },
    })
  const failures = async (id: string) =>
    (await world.admin.must(world.admin.get(`/api/audit?subject=${id}`))).items.filter(
      ({ kind }: { kind: string }) => kind === 'certificate_source.failed',
    )
  /** what is done between the signature and the broker's look at it */
  const atSignature = (meanwhile: (serial: string) => Promise<unknown>) =>
    new Promise<string>((resolve, reject) => {
      proxy.always(async (call) => {
        if (!call.path.startsWith('pki/sign/')) return pass(call)
        proxy.always()
        const reply = await call.forward()
        const serial: string = JSON.parse(reply.body).data.serial_number
        await meanwhile(serial).then(() => resolve(serial), reject)
        await call.reply(reply)
      })
    })
  const revokedAt = async (serial: string) =>
    Number((await world.server.api('GET', `pki/cert/${serial}`)).body.data.revocation_time)

  it('keeps what was issued while its integration was being paused', async () => {
    const struck = atSignature(() => world.admin.must(world.admin.post(`/api/integrations/${world.integrationId}/pause`, {})))
    const id = await world.source('paused', issued('paused.example.com'))
    const serial = await struck
    const { id: certificate } = await world.current(id)
    expect((await world.admin.must(world.admin.get(`/api/certificates/${certificate}`))).serial).toBe(serial.replaceAll(':', ''))
    expect(await revokedAt(serial)).toBe(0)
    await world.admin.must(world.admin.post(`/api/integrations/${world.integrationId}/resume`, {}))
  })

  it('revokes what was issued and cannot be kept, and orders no other before an hour is over', async () => {
    const struck = atSignature(async (serial) => {
      const { certificate } = (await world.server.api('GET', `pki/cert/${serial}`)).body.data
      await world.admin.must(world.admin.post('/api/certificates', { name: 'by hand', certificate }))
    })
    const id = await world.source('unfit', issued('unfit.example.com'))
    const serial = await struck
    await waitFor('it to be revoked', async () => (await revokedAt(serial)) > 0)
    const now = await waitFor('the source to rest', async () => {
      const source = await world.get(id)
      return source.runId === null && source
    })
    expect(now).toMatchObject({
      certificate: null,
      problem: { code: 'conflict', message: expect.stringMatching(/kept already/) },
    })
    expect(Date.parse(now.nextAt) - Date.now()).toBeGreaterThan(3_000_000)
    expect(await failures(id)).toHaveLength(1)
  })

  it('sends what its targets refused once they take it, and tells of each new refusal by the new certificate', async () => {
    const cn = 'refused.example.com'
    await put('shop', makeChain({ cn, domains: [cn] }))
    const target = await world.target('refused eu', { path: 'certs/refused/{{ .cn }}' })
    const id = await world.source('refused', stored('shop'), { thenDistribute: { targetIds: [target] } })
    const { id: first } = await world.current(id)
    const removeTarget = (at: string) =>
      world.broker.database.query(`update distribution_targets set removed_at = ${at} where id = $1`, [target])
    await waitFor('it to be at the target', async () => {
      const sent = await world.broker.database.query(
        'select 1 from distributions where source_id = $1 and finished_at is not null',
        [id],
      )
      return sent.length === 1
    })
    await removeTarget('now()')
    await put('shop', makeChain({ cn, domains: [cn] }))
    await world.renewed(id)
    const { id: second } = await waitFor('the newer one', async () => {
      const now = await world.current(id)
      return now.id !== first && now
    })
    expect((await failures(id)).map(({ data }: { data: { certificate: string } }) => data.certificate)).toEqual([second])
    await world.renewed(id)
    expect((await world.get(id)).problem, 'it stands until it was sent').not.toBeNull()
    expect(await failures(id), 'the same refusal is told once').toHaveLength(1)

    const newest = makeChain({ cn, domains: [cn] })
    await put('shop', newest)
    await world.renewed(id)
    const { id: third } = await waitFor('the newest one', async () => {
      const now = await world.current(id)
      return now.id !== second && now
    })
    const told = (await failures(id)).map(({ data }: { data: { certificate: string } }) => data.certificate)
    expect(told).toHaveLength(2)
    expect(told).toEqual(expect.arrayContaining([second, third]))
    await removeTarget('null')
    await world.broker.database.query("update due_work set run_at = now() where kind = 'certificate.send' and subject = $1", [id])
    await waitFor('it to be at the target', async () => {
      const there = (await world.server.api('GET', `secret/data/certs/refused/${cn}`)).body?.data?.data
      return there?.certificate === newest.leaf.pem
    })
    expect((await world.get(id)).problem).toBeNull()
  })

  it('takes an earlier certificate back when it is in its place again, and none that somebody keeps', async () => {
    const [a, b] = [makeChain({ cn: 'a.example.com' }), makeChain({ cn: 'b.example.com' })]
    await put('chained', a)
    const id = await world.source('back and forth', stored('chained'))
    const { id: first } = await world.current(id)
    await put('chained', b)
    await world.renewed(id)
    await waitFor('the other', async () => (await world.current(id)).id !== first)
    await put('chained', a)
    await world.renewed(id)
    await waitFor('the first again', async () => (await world.current(id)).id === first)
    expect((await world.get(id)).problem).toBeNull()

    const second = await world.admin.post('/api/certificate-sources', { name: 'twice', from: stored('chained') })
    expect(second.body, second.text).toMatchObject({ status: 409, code: 'conflict', field: 'from' })
  })

  it('lets no older look undo what came meanwhile', async () => {
    const [a, b, c] = [1, 2, 3].map((n) => makeChain({ cn: `look${n}.example.com` }))
    await put('failing', a!)
    const id = await world.source('looks', stored('failing'))
    const { id: first } = await world.current(id)
    await put('failing', b!)
    const isRead = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    proxy.always(async (call) => {
      if (call.path !== 'secret/data/source/failing') return pass(call)
      proxy.always()
      const reply = await call.forward()
      isRead.resolve()
      await goOn.promise
      await call.reply(reply)
    })
    await world.admin.must(world.admin.post(`/api/certificate-sources/${id}/renew`, { reason: 'a look' }))
    await isRead.promise
    await put('failing', c!)
    await world.admin.must(world.admin.post(`/api/certificate-sources/${id}/renew`, { reason: 'a newer look' }))
    goOn.resolve()
    const now = await waitFor('the newest', async () => {
      const current = await world.current(id)
      return current.id !== first && current
    })
    const { commonName } = await world.admin.must(world.admin.get(`/api/certificates/${now.id}`))
    expect(commonName).toBe('look3.example.com')
  })

  it('keeps its integration from being removed', async () => {
    const answer = await world.admin.delete(`/api/integrations/${world.integrationId}`)
    expect(answer.body, answer.text).toMatchObject({ status: 409, message: expect.stringMatching(/certificate source/) })
  })
})
