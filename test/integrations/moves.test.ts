import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { furnished, startWorld, traces, tries, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('an integration with $product $version that is led elsewhere', (binary) => {
  let here: VaultServer
  let elsewhere: VaultServer
  let proxy: FaultProxy
  let world: World
  let dir: string
  let there: Record<string, unknown>

  beforeAll(async () => {
    // Servers of the tests are copies of one that was initialised once, and have its number; this one is initialised by itself.
    dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-elsewhere-'))
    ;[here, elsewhere] = await Promise.all([startVaultServer({ binary }), startVaultServer({ binary, dir })])
    there = await furnished(elsewhere)
    proxy = await startFaultProxy(here.address)
    world = await startWorld(here, { settings: { deliveries: ['token', 'password'] } })
  })
  afterAll(async () => {
    await world?.close()
    await proxy?.close()
    await here?.stop()
    await elsewhere?.stop()
    if (dir) await rm(dir, { recursive: true, force: true })
  })

  const change = (body: object) => world.broker.admin.patch(`/api/integrations/${world.integrationId}`, body)
  const settings = async () => (await world.broker.admin.get(`/api/integrations/${world.integrationId}`)).body.config

  async function giveBack(grantId: string): Promise<unknown> {
    await world.alice.api.post(`/api/grants/${grantId}/give-back`)
    await world.until(world.alice, grantId, 'revoked')
    return (await world.broker.admin.get(`/api/grants/${grantId}/receipt`)).body
  }

  it('stays where its grants live, and names them', async () => {
    const grantId = await world.grant(world.alice, {})
    const { token } = await world.open(world.alice, grantId)
    const { auth, ...rest } = await settings()
    for (const config of [
      { ...there },
      { ...rest, auth, userpassMount: 'another' },
      { ...rest, auth, policyPrefix: 'another-g-' },
      { ...rest, auth: there['auth'], address: elsewhere.address },
    ]) {
      for (const skipTest of [true, false]) {
        const { status, body, text } = await change({ config, skipTest })
        expect(status, text).toBe(409)
        expect(body).toMatchObject({ code: 'conflict', fix: expect.stringContaining('end them') })
        expect(body.message).toContain(grantId)
      }
    }
    const receipt = await giveBack(grantId)
    expect(await tries(here, token, 'GET', 'kv/data/app/db')).toBe(403)
    expect(await traces(here)).toEqual([])
    const { cluster_id: cluster } = (await here.api('GET', 'sys/health')).body
    expect(receipt).toMatchObject({ target: { cluster, namespace: 'root' }, targetRecorded: true })
  })

  it('may take another address of the same system while they live', async () => {
    const grantId = await world.grant(world.alice, {})
    const { auth: _, ...rest } = await settings()
    const login = (await furnished(here))['auth']
    const { status, text } = await change({ config: { ...rest, auth: login, address: proxy.url } })
    expect(status, text).toBe(200)
    expect(await world.until(world.alice, grantId, /./)).toMatchObject({ state: 'active' })
    await giveBack(grantId)
    expect(await traces(here)).toEqual([])
  })

  it('ends, opens and proves nothing when another system answers at its address, and goes on when the right one is back', async () => {
    const { alice, broker } = world
    const [opened, unopened] = [await world.grant(alice, {}), await world.grant(alice, {})]
    const { token } = await world.open(alice, opened)
    // As when the name leads to another cluster, on which the broker's login works, too.
    proxy.always(async (call) => {
      if (call.path === 'sys/health') return call.reply(await healthOf(elsewhere))
      return call.reply(await call.forward())
    })
    const open = await alice.api.post(`/api/grants/${unopened}/open`)
    expect(open.body, open.text).toMatchObject({ code: 'target.moved', fix: expect.any(String) })
    const sweep = await broker.admin.post(`/api/integrations/${world.integrationId}/sweep`)
    expect(sweep.body, sweep.text).toMatchObject({ code: 'target.moved' })
    await alice.api.post(`/api/grants/${opened}/give-back`)
    await waitFor('the grant to say why it cannot end', async () => {
      const { body } = await alice.api.get(`/api/grants/${opened}`)
      return body.problem?.code === 'target.moved'
    })
    expect((await alice.api.get(`/api/grants/${opened}`)).body).toMatchObject({ state: 'revoking', powerlessAt: null })
    expect((await broker.admin.get(`/api/grants/${opened}/receipt`)).status).toBe(404)
    proxy.always(undefined)
    await world.until(alice, opened, 'revoked')
    expect(await tries(here, token, 'GET', 'kv/data/app/db')).toBe(403)
    await giveBack(unopened)
    expect(await traces(here)).toEqual([])
  })

  it('learns of grants from before systems were recorded which one theirs is, when it finds them there', async () => {
    const { alice, broker } = world
    const grantId = await world.grant(alice, {})
    await broker.database.query('update action_runs set target = null where id = (select run_id from grants where id = $1)', [
      grantId,
    ])
    await broker.admin.must(broker.admin.post(`/api/integrations/${world.integrationId}/sweep`))
    const [run] = await broker.database.query(
      'select target from action_runs where id = (select run_id from grants where id = $1)',
      [grantId],
    )
    expect(run).toMatchObject({ target: { namespace: 'root' } })
    await giveBack(grantId)
  })

  it('can be moved when everything is over', async () => {
    const { status, text } = await change({ config: there })
    expect(status, text).toBe(200)
    const grantId = await world.grant(world.alice, {})
    expect(await traces(elsewhere)).not.toEqual([])
    await giveBack(grantId)
    expect(await traces(elsewhere)).toEqual([])
  })
})

async function healthOf(server: VaultServer) {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify((await server.api('GET', 'sys/health')).body),
  }
}
