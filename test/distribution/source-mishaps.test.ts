import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Revoked } from '../../src/distribution/sources/revoked.ts'
import { type SourceWorld, sourcesAround } from '../support/certificate-sources.ts'
import { makeChain } from '../support/certificates.ts'
import { within } from '../support/database.ts'
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

  const waitingForLocks = (count: number) =>
    waitFor(`${count} to wait for a lock`, async () => {
      const [found] = await world.broker.database.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return found!.count >= count
    })

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

  it.each<[string, (made: ReturnType<typeof makeChain>) => object]>([
    ['without its key', ({ leaf, chain }) => ({ certificate: leaf.pem, chain })],
    ['without its chain', ({ leaf }) => ({ certificate: leaf.pem, private_key: leaf.keyPem })],
  ])('takes a certificate that was in its place %s once it is mended there, and sends it', async (what, broken) => {
    const cn = `${what.replaceAll(' ', '-')}.example.com`
    const made = makeChain({ cn, domains: [cn] })
    await world.server.api('POST', 'secret/data/source/mended', { data: broken(made) })
    const target = await world.target(`mended ${what}`, { path: 'certs/mended/{{ .cn }}' })
    const id = await world.source(`mended ${what}`, stored('mended'), { thenDistribute: { targetIds: [target] } })
    const { id: first } = await world.current(id)
    await put('mended', made)
    await world.renewed(id)
    const second = await waitFor('the mended one', async () => {
      const now = await world.current(id)
      return now.id !== first && now
    })
    await waitFor('it to be at the target, whole', async () => {
      const there = (await world.server.api('GET', `secret/data/certs/mended/${cn}`)).body?.data?.data
      return there?.chain === made.chain && there?.private_key === made.leaf.keyPem
    })
    expect((await world.get(id)).problem).toBeNull()
    expect((await world.admin.must(world.admin.get(`/api/certificates/${first}`))).replacedBy).toBe(second.id)
    await world.renewed(id)
    expect((await world.current(id)).id, 'nothing is new').toBe(second.id)
    await world.admin.must(world.admin.delete(`/api/certificate-sources/${id}`))
  })

  it('keeps nothing whose run was rolled back before it was taken', async () => {
    const goOn = Promise.withResolvers<void>()
    const isAsked = Promise.withResolvers<void>()
    proxy.always(async (call) => {
      if (!call.path.startsWith('pki/sign/')) return pass(call)
      proxy.always()
      isAsked.resolve()
      await goOn.promise
      await pass(call)
    })
    const id = await world.source('rolled back', issued('rolled-back.example.com'))
    await isAsked.promise
    const { runId } = await world.get(id)
    const database = world.broker.database
    const postponed = `update due_work set run_at = now() + interval '1 hour' where kind = 'certificate.renew' and subject = $1
      and locked_by is null returning 1`
    await waitFor('the source to look away', async () => (await database.query(postponed, [id])).length > 0)
    goOn.resolve()
    await waitFor('the run', async () => (await world.admin.must(world.admin.get(`/api/runs/${runId}`))).state === 'executed')
    await within(database.url, async (client) => {
      await client.query('begin')
      await client.query('select 1 from ordered_runs where id = $1 for update', [runId])
      const back = world.admin.post(`/api/runs/${runId}/rollback`, { reason: 'not wanted' })
      await waitingForLocks(1)
      await database.query("update due_work set run_at = now() where kind = 'certificate.renew' and subject = $1", [id])
      await waitingForLocks(2) // the source, which has seen that its run is done
      await client.query('commit')
      expect((await back).status).toBe(200)
    })
    const now = await waitFor('the source to rest', async () => {
      const source = await world.get(id)
      return source.runId === null && source
    })
    expect(now).toMatchObject({ certificate: null, problem: { message: expect.stringContaining('taken back') } })
  })

  it('says that its certificate was revoked, once, sends it nowhere, and has another one issued and sent at once', async () => {
    const cn = 'leaked.example.com'
    const target = await world.target('leaked eu', { path: 'certs/leaked/{{ .cn }}' })
    const id = await world.source('leaked', issued(cn), { thenDistribute: { targetIds: [target] } })
    const { id: first, fingerprint } = await world.current(id)
    const at = async () => (await world.server.api('GET', `secret/data/certs/leaked/${cn}`)).body?.data?.data?.certificate
    const there = await waitFor('it to be at the target', at)
    const { runId } = await world.admin.must(world.admin.get(`/api/certificates/${first}`))
    const goOn = Promise.withResolvers<void>()
    proxy.always(async (call) => {
      if (call.path.startsWith('pki/sign/')) await goOn.promise
      await pass(call)
    })
    await world.admin.must(world.admin.post(`/api/runs/${runId}/rollback`, { reason: 'the key got out' }))
    const now = await waitFor('the source to say so', async () => {
      const source = await world.get(id)
      return source.problem !== null && source.runId !== null && source
    })
    expect(now).toMatchObject({
      certificate: { id: first },
      problem: { message: expect.stringContaining(runId), fix: expect.stringContaining('targets have the revoked one') },
    })
    await world.broker.app.get(Revoked).look() // once more before there is another one
    expect(await world.admin.must(world.admin.get(`/api/certificates/${first}`))).toMatchObject({ state: 'revoked' })
    const again = { certificateId: first, targetIds: [target], reason: 'x' }
    expect((await world.admin.post('/api/distributions', again)).body).toMatchObject({ status: 400, field: 'certificateId' })
    goOn.resolve()
    proxy.always()
    const second = await waitFor('another one', async () => {
      const current = await world.current(id)
      return current.id !== first && current
    })
    await waitFor('it to be at the target', async () => {
      const pem = await at()
      return pem && pem !== there
    })
    expect((await world.get(id)).problem).toBeNull()
    const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${id}`))
    const told = items.filter(({ kind }: { kind: string }) => kind === 'certificate_source.revoked')
    expect(told.map(({ data }: { data: object }) => data)).toMatchObject([{ certificate: first, fingerprint, run: runId }])
    expect(second.fingerprint).not.toBe(fingerprint)
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

  it('lets no older look undo what came since', async () => {
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
