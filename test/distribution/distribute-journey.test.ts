import { createPrivateKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Connections } from '../../src/integrations/connections/connections.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { startRelay } from '../support/relay.ts'

const servers = await serversUnderTest()

describe.each(servers)('A certificate on its way to $product', { timeout: 60_000 }, (binary) => {
  let world: DistributionWorld

  beforeAll(async () => {
    world = await distributionWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())

  it('is written whole, read back, and put back to what was there before', async () => {
    const { admin, server } = world
    const before = { certificate: 'old', private_key: 'old key', note: 'by hand' }
    await server.api('POST', 'secret/data/certs/shop.example.com', { data: before })
    const made = makeChain({ cn: 'shop.example.com', domains: ['shop.example.com', 'www.shop.example.com'] })
    const certificate = await world.certificate(made)
    const target = await world.target('shop')
    const ordered = await world.distribute(certificate, [target])
    const done = await world.settled(ordered)
    expect(done).toMatchObject({
      state: 'done',
      counts: { verified: 1 },
      targets: [{ id: target, state: 'verified', problem: null }],
    })
    const written = (await server.api('GET', 'secret/data/certs/shop.example.com')).body.data
    expect(written.metadata.version).toBe(2)
    expect(Object.keys(written.data).toSorted()).toEqual(['certificate', 'chain', 'fullchain', 'private_key'])
    expect(new X509Certificate(written.data.certificate).checkPrivateKey(createPrivateKey(written.data.private_key))).toBe(true)
    expect(written.data.fullchain).toBe(written.data.certificate + written.data.chain)
    expect(written.data.chain).toBe(made.chain)

    const run = done.targets[0].runId
    const receipt = await admin.must(admin.get(`/api/runs/${run}/receipt`))
    expect(receipt).toMatchObject({
      before: [
        { target: 'secret/data/certs/shop.example.com', before: { version: 1, fields: ['certificate', 'note', 'private_key'] } },
      ],
      done: { evidence: [{ artefact: 'secret secret/certs/shop.example.com', holds: true, requestIdBy: 'target' }] },
    })
    const steps = await admin.must(admin.get(`/api/runs/${run}/steps`))
    expect(steps[0].summary).toContain('will not be in the new version: note')

    const outlook = await admin.must(admin.get(`/api/distributions/${ordered}/rollback`))
    expect(outlook.items).toMatchObject([
      { targetId: target, possible: true, restores: [{ summary: expect.stringContaining('version 1') }] },
    ])
    await admin.must(admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'the old one was right' }))
    expect(await world.settled(ordered)).toMatchObject({ state: 'rolled_back', targets: [{ state: 'rolled_back' }] })
    const back = (await server.api('GET', 'secret/data/certs/shop.example.com')).body.data
    expect([back.metadata.version, back.data]).toEqual([3, before])
    expect(await world.whereItLeaks(made.leaf.keyPem)).toEqual([])
  })

  const logins = async () => {
    const { body } = await world.server.api('GET', 'auth/token/accessors?list=true')
    const all = await Promise.all(
      body.data.keys.map((accessor: string) => world.server.api('POST', 'auth/token/lookup-accessor', { accessor })),
    )
    return all.filter((one) => one.body?.data?.path === 'auth/approle/login').length
  }

  it('leaves no token behind at a target that has it, and waits for no other', async () => {
    const { server } = world
    const relay = await startRelay(server.address)
    const certificate = await world.certificate(makeChain({ cn: 'brief.example.com', domains: ['brief.example.com'] }))
    const away = await world.target('away', { address: relay.url, path: 'certs/away/{{ .cn }}' })
    relay.leadTo(undefined)
    const ordered = await world.distribute(certificate, [await world.target('brief'), away])
    await waitFor('it to be at the first', async () => (await world.get(ordered)).counts.verified === 1)
    await waitFor('the session there to end', async () => (await logins()) === 0)
    expect(await world.get(ordered)).toMatchObject({ state: 'running', targets: [{ state: 'verified' }, { state: 'running' }] })
    relay.leadTo(server.address)
    await world.settled(ordered)
    await waitFor('the last session to end', async () => (await logins()) === 0)
    await relay.close()
  })

  it('leaves no token behind of a replica that wrote it while another one saw to the rest', async () => {
    await world.target('elsewhere')
    const [at] = await world.broker.database.query(
      `select t.integration_id as id from distribution_targets t where t.name = 'elsewhere'`,
    )
    const connections = world.broker.app.get(Connections)
    const { plugin, client } = await connections.use(at!['id'])
    await plugin.health(client, AbortSignal.timeout(10_000))
    expect(await logins()).toBe(1)
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 6 * 60_000)
    await connections.dropOutdated()
    clock.mockRestore()
    await waitFor('the session to end', async () => (await logins()) === 0)
  })
})
