import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { startWorld, traces, tries, type World } from '../support/world.ts'

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
    await successor.close()
    successor = undefined
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

  const userOf = async (grantId: string): Promise<string> => {
    const steps = await world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}/steps`))
    return steps.find((step: { kind: string }) => step.kind === 'user').args.username
  }

  it.each([
    {
      changes: {
        token_period: 2_764_800,
        token_num_uses: 5,
        token_bound_cidrs: ['127.0.0.0/8'],
        token_type: 'default',
        token_no_default_policy: false,
      },
    },
    {
      changes: {
        token_ttl: 0,
        token_max_ttl: 0,
        token_explicit_max_ttl: 0,
        token_policies: ['default'],
      },
    },
    {
      changes: {
        token_explicit_max_ttl: 2_764_800,
      },
    },
  ])('finds a user that was changed in one field alone, and says in which (case %#)', async ({ changes }) => {
    const fields = Object.entries(changes)
    const grants = await Promise.all(fields.map(() => grantOf(SHORT)))
    await world.open(world.alice, grants[0]!)
    expect((await sweep()).altered).toEqual([])
    for (const [i, [field, value]] of fields.entries()) {
      const written = await vault.api('POST', `auth/apono/users/${await userOf(grants[i]!)}`, { [field]: value })
      expect(written.status, JSON.stringify(written.body)).toBe(204)
    }
    const { altered } = await sweep()
    expect(altered.toSorted()).toEqual(grants.toSorted())
    for (const [i, [field, value]] of fields.entries()) {
      const { endNote } = await world.until(world.alice, grants[i]!, 'revoked')
      expect(endNote).toMatch(/changed outside the broker: user /)
      expect(endNote).toContain(`${field} is ${JSON.stringify(value)}`)
    }
  })

  it('finds a user whose tokens would outlive its grant, be it never so evenly written', async () => {
    const { alice, broker } = world
    const flow = await world.flow({ extensions: { count: 1, maxSeconds: 3600 } })
    const extended = await world.grant(alice, { flowId: flow.id, seconds: 3600 })
    await alice.api.must(alice.api.post(`/api/grants/${extended}/extend`, { seconds: 3600 }))
    await waitFor('the server to know the new end', async () => {
      const query = 'select 1 from grants where id = $1 and extensions = 1 and target_until = expires_at'
      return (await broker.database.query(query, [extended])).length > 0
    })
    await world.open(alice, extended)
    const longer = await grantOf(SHORT)
    const ttl = { token_ttl: 7200, token_max_ttl: 7200, token_explicit_max_ttl: 7200 }
    await vault.api('POST', `auth/apono/users/${await userOf(longer)}`, ttl)
    expect((await sweep()).altered).toEqual([longer])
    expect((await world.until(alice, longer, 'revoked')).endNote).toContain('token_explicit_max_ttl is 7200')
    expect(await world.until(alice, extended, /./)).toMatchObject({ state: 'active' })
    await alice.api.must(alice.api.post(`/api/grants/${extended}/give-back`))
    await world.until(alice, extended, 'revoked')
  })

  const told = (kind: string) =>
    world.broker.database.query<{ subject: string; data: unknown }>(
      `select subject, body::jsonb as data from audit_events where kind = $1 order by id`,
      [kind],
    )

  it('writes down that it found a grant altered, and by which piece', async () => {
    const grantId = await grantOf(LONG)
    const name = await policyOf(grantId)
    await vault.api('DELETE', `sys/policies/acl/${name}`)
    await sweep()
    await world.until(world.alice, grantId, 'revoked')
    const events = await told('grant.altered')
    expect(events.find(({ subject }) => subject === grantId)).toBeDefined()
    expect(JSON.stringify(events)).toContain(`policy ${name}`)
  })

  it('reports what is not the broker’s in its mount and under its prefix, once, and leaves it alone', async () => {
    const grantId = await grantOf(SHORT)
    const { policy } = (await vault.api('GET', `sys/policies/acl/${await policyOf(grantId)}`)).body.data
    await vault.api('PUT', 'sys/policies/acl/apono-g-zzz', { policy: policy.replace(`kv/data/${SHORT}`, 'kv/data/*') })
    await vault.api('POST', 'auth/apono/users/backdoor', { password: 'somebody’s', token_policies: 'apono-g-zzz' })
    const before = (await told('foreign.found')).length
    const found = ['policy apono-g-zzz', 'user backdoor']
    for (let times = 0; times < 3; times += 1) expect((await sweep()).foreign.toSorted()).toEqual(found)
    const events = (await told('foreign.found')).slice(before)
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ subject: world.integrationId, data: { artefacts: found } })
    const metrics = await (await fetch(`${world.broker.url}/metrics`)).text()
    expect(metrics).toMatch(/latchkey_foreign_found_total\S* [1-9]/)
    expect(await world.until(world.alice, grantId, /./)).toMatchObject({ state: 'active' })
    await vault.api('DELETE', 'sys/policies/acl/apono-g-zzz')
    await vault.api('DELETE', 'auth/apono/users/backdoor')
    expect((await sweep()).foreign).toEqual([])
    await world.alice.api.post(`/api/grants/${grantId}/give-back`)
    await world.until(world.alice, grantId, 'revoked')
  })

  it('takes away what a login left that was under way when its user went, after the receipt', async () => {
    const grantId = await grantOf(SHORT)
    const steps = await world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}/steps`))
    const username = steps.find((step: { kind: string }) => step.kind === 'user').args.username
    await world.alice.api.must(world.alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(world.alice, grantId, 'revoked')
    const before = await traces(vault)
    const late = { password: 'of the late login' }
    await vault.api('POST', `auth/apono/users/${username}`, late)
    const { client_token: token } = (await vault.api('POST', `auth/apono/login/${username}`, late)).body.auth
    await vault.api('DELETE', `auth/apono/users/${username}`)
    expect(await traces(vault)).toEqual([...before, `leases of ${username}/`, `alias ${username}`])
    expect((await sweep()).removed).toEqual([`tokens of ${username}`])
    expect(await traces(vault)).toEqual(before)
    expect(await tries(vault, token, 'GET', 'auth/token/lookup-self')).toBe(403)
    expect(await told('orphan.removed')).toContainEqual(
      expect.objectContaining({ data: expect.objectContaining({ artefact: `tokens of ${username}` }) }),
    )
  })

  it('ends none of many grants that look altered at once until it is confirmed, and raises an alarm', async () => {
    const { broker, alice } = world
    const grants = await Promise.all(Array.from({ length: 6 }, () => grantOf(SHORT)))
    for (const id of grants) await vault.api('DELETE', `sys/policies/acl/${await policyOf(id)}`)
    for (let times = 0; times < 2; times += 1) {
      const report = await sweep()
      expect(report.altered).toEqual([])
      expect(report.suspected.toSorted()).toEqual(grants.toSorted())
    }
    for (const id of grants) expect(await world.until(alice, id, /./)).toMatchObject({ state: 'active' })
    expect(await told('sweep.alarm')).toHaveLength(1)
    const confirmed = await broker.admin.must(broker.admin.post(`/api/integrations/${world.integrationId}/sweep?confirm=true`))
    expect(confirmed.altered.toSorted()).toEqual(grants.toSorted())
    for (const id of grants) await world.until(alice, id, 'revoked')
  })

  it('ends many that were suspected and are altered still at a later sweep', async () => {
    const { broker, alice } = world
    const grants = await Promise.all(Array.from({ length: 6 }, () => grantOf(SHORT)))
    for (const id of grants) await vault.api('DELETE', `sys/policies/acl/${await policyOf(id)}`)
    expect((await sweep()).suspected).toHaveLength(6)
    // As if minutes had passed.
    await broker.database.query(`update grants set suspected_at = suspected_at - interval '6 min' where id = any($1)`, [grants])
    expect((await sweep()).altered.toSorted()).toEqual(grants.toSorted())
    for (const id of grants) await world.until(alice, id, 'revoked')
  })

  it('has a row of work from the moment an integration is made, is repeated, and is put back when the row is lost', async () => {
    const { broker } = world
    const { config } = await broker.admin.must(broker.admin.get(`/api/integrations/${world.integrationId}`))
    expect(config).toBeDefined()
    const rowOf = () =>
      broker.database.query<{ seconds: number }>(
        `select extract(epoch from run_at - clock_timestamp())::float as seconds from due_work
         where kind = 'integration.sweep' and subject = $1 and locked_by is null`,
        [world.integrationId],
      )
    await waitFor('the sweep to be over and due again', async () => (await rowOf()).some(({ seconds }) => seconds > 60))
    expect((await rowOf())[0]!.seconds).toBeLessThan(12 * 60)
    for (const kind of ['integration.sweep', 'integration.health', 'integration.discover']) {
      await broker.database.query('delete from due_work where kind = $1 and subject = $2', [kind, world.integrationId])
      await waitFor(
        `${kind} to be put back`,
        async () =>
          (await broker.database.query('select 1 from due_work where kind = $1 and subject = $2', [kind, world.integrationId]))
            .length > 0,
        25_000,
      )
    }
  })
})
