import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../dev/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../dev/vault-server.ts'
import { waitFor } from '../dev/vault-wait.ts'
import { type Broker, startBroker } from './support/broker.ts'
import { startWorld, traces, tries, type World } from './support/world.ts'

const LONG = 'team-payments/production/stripe-api-key-of-the-shop'
const SHORT = 'a'

interface Text {
  readonly path: Readonly<Record<string, object>>
}

describe.each(await serversUnderTest())('the sweep of $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  let successor: Broker | undefined

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
    for (const name of [LONG, SHORT]) await vault.api('POST', `kv/data/${name}`, { data: { of: name } })
    await world.broker.admin.must(world.broker.admin.post(`/api/integrations/${world.integrationId}/sync`))
    await waitFor('the secrets to be found', () =>
      Promise.all([LONG, SHORT].map((name) => world.resource(`kv/${name}`))).then(
        () => true,
        () => false,
      ),
    )
  })
  afterAll(async () => {
    await successor?.close()
    await world?.close()
    await vault?.stop()
  })

  const sweep = (by: Broker = world.broker) => by.admin.must(by.admin.post(`/api/integrations/${world.integrationId}/sweep`))

  /** What makes a sweep of its own be over: the one that every start begins with. */
  async function swept(since: Date): Promise<void> {
    await waitFor('a scheduled sweep', async () => {
      const rows = await world.broker.database.query(
        `select 1 from due_work where kind = 'integration.sweep' and locked_by is null and run_at > $1::timestamptz + interval '1 min'`,
        [since],
      )
      return rows.length > 0
    })
  }

  async function grantOf(...names: string[]): Promise<string> {
    const { alice } = world
    const flow = await world.flow()
    const resources = await Promise.all(
      names.map(async (name) => ({ resourceId: await world.resource(`kv/${name}`), permissions: ['read', 'list', 'delete'] })),
    )
    const { grantId } = await alice.api.must(
      alice.api.post('/api/access-requests', { flowId: flow.id, resources, seconds: 3600, justification: 'because' }),
    )
    await world.until(alice, grantId, 'active')
    return grantId
  }

  async function policyOf(grantId: string): Promise<string> {
    const steps = await world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}/steps`))
    return steps.find((step: { kind: string }) => step.kind === 'policy').args.name
  }

  it('leaves a grant alone that nobody touched, whatever its secrets are called and however often the broker starts', async () => {
    const { alice, broker } = world
    const grants = [await grantOf(LONG), await grantOf(SHORT, LONG), await grantOf(LONG, SHORT), await grantOf(SHORT)]
    const tokens = await Promise.all(grants.map(async (id) => (await world.open(alice, id)).token))
    const since = new Date()
    successor = await startBroker({ database: broker.database, key: broker.key })
    await swept(since)
    for (const by of [successor, broker, successor]) {
      expect(await sweep(by)).toMatchObject({ removed: [], foreign: [], left: [], altered: [] })
    }
    for (const id of grants) expect(await world.until(alice, id, /./)).toMatchObject({ state: 'active', endNote: null })
    expect(await tries(vault, tokens[0]!, 'GET', `kv/data/${LONG}`)).toBe(200)
    expect(
      await broker.database.query(`select kind from audit_events where kind in ('grant.altered', 'orphan.removed')`),
    ).toEqual([])
    for (const id of grants) await alice.api.post(`/api/grants/${id}/give-back`)
    for (const id of grants) await world.until(alice, id, 'revoked')
    expect(await traces(vault)).toEqual([])
  })

  it.each([
    ['a path more', (text: Text) => ({ path: { ...text.path, 'kv/data/app/db': { capabilities: ['read'] } } })],
    [
      'a capability more',
      (text: Text) => ({
        path: { ...text.path, [`kv/data/${LONG}`]: { ...text.path[`kv/data/${LONG}`], capabilities: ['read', 'update'] } },
      }),
    ],
    ['another stamp', (text: Text) => JSON.parse(JSON.stringify(text).replace(/until 20\d\d/, 'until 2099'))],
  ])('finds a policy that really was changed: %s', async (_, change) => {
    const { alice } = world
    const grantId = await grantOf(LONG)
    const place = `sys/policies/acl/${await policyOf(grantId)}`
    const { policy, expiration } = (await vault.api('GET', place)).body.data
    await vault.api('PUT', place, { policy: JSON.stringify(change(JSON.parse(policy))), ...(expiration && { expiration }) })
    expect((await sweep()).altered).toEqual([grantId])
    expect((await world.until(alice, grantId, 'revoked')).endNote).toContain('changed outside the broker')
  })

  it('finds what a reader of JSON would not see: a key written twice', async () => {
    const { alice } = world
    const grantId = await grantOf(LONG)
    const place = `sys/policies/acl/${await policyOf(grantId)}`
    const { policy, expiration } = (await vault.api('GET', place)).body.data
    const twice = policy.replace('{"path":{', '{"path":{"auth/token/revoke-self":{"capabilities":["update"]},')
    expect(JSON.parse(twice)).toEqual(JSON.parse(policy))
    const written = await vault.api('PUT', place, { policy: twice, ...(expiration && { expiration }) })
    if (written.status >= 400) return // the server itself knows better
    expect((await sweep()).altered).toEqual([grantId])
    await world.until(alice, grantId, 'revoked')
  })
})
