import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { furnished, type PersonInWorld, startWorld, type World } from '../support/world.ts'

const BOTH = ['token', 'password']

describe.each(await serversUnderTest())('what an integration delivers, on $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  let alice: PersonInWorld
  let bob: PersonInWorld

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { settings: { deliveries: BOTH } })
    ;({ alice, bob } = world)
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  /** The integration as its admin sets it, with the same login. */
  const allow = async (deliveries: readonly string[]) => {
    const { admin } = world.broker
    const { config } = await admin.must(admin.get(`/api/integrations/${world.integrationId}`))
    await admin.must(admin.patch(`/api/integrations/${world.integrationId}`, { config: { ...config, deliveries } }))
  }
  const passwords = (more: Record<string, unknown> = {}) => world.flow({ delivery: 'password', ...more })
  const asked = async (flowId: string) => ({
    flowId,
    resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
    seconds: 600,
  })

  it('is what its plugin offers, as the catalog says', async () => {
    const { body } = await world.broker.admin.get('/api/catalog/vault')
    expect(body.deliveries).toMatchObject([
      { name: 'token', shows: 'wrapped' },
      { name: 'password', shows: 'once' },
    ])
    const refused = await world.broker.admin.post('/api/access-flows', {
      name: 'by pigeon',
      integrationId: world.integrationId,
      rule: {
        requesters: { kind: 'everyone' },
        resources: [{ paths: ['**'] }],
        permissions: { 'vault-kv-secret': ['read'] },
        maxSeconds: 600,
        approval: { kind: 'automatic' },
        delivery: 'pigeon',
      },
    })
    expect(refused.body).toMatchObject({ status: 400, code: 'input.invalid', field: 'rule.delivery' })
    expect(refused.body.fix).toContain('use token or password')
  })

  it('is opened as a password only where the integration allows passwords', async () => {
    await allow(BOTH)
    const flow = await passwords()
    const grantId = await world.grant(alice, { flowId: flow.id })
    const opened = await alice.api.post(`/api/grants/${grantId}/open`)
    expect(opened.body).toMatchObject({ delivery: 'password' })
    await allow(['token'])
    const refused = await alice.api.post(`/api/grants/${grantId}/open`)
    expect(refused.body).toMatchObject({ status: 409, code: 'conflict' })
    expect(refused.body.message).toContain('does not hand credentials over as password')
    expect(refused.body.fix).toContain('use token')
  })

  it('is not extended by a way that the integration does not allow any more', async () => {
    await allow(BOTH)
    const flow = await passwords({ extensions: { count: 3, maxSeconds: 600 } })
    const grantId = await world.grant(alice, { flowId: flow.id, seconds: 600 })
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 }))
    await allow(['token'])
    const refused = await alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 })
    expect(refused.body).toMatchObject({ status: 409, code: 'conflict' })
    expect((await alice.api.get(`/api/grants/${grantId}`)).body.extensions).toBe(1)
  })

  it('is refused in a flow that is made, changed or switched on', async () => {
    await allow(BOTH)
    const { admin } = world.broker
    const flow = await passwords()
    await admin.must(admin.patch(`/api/access-flows/${flow.id}`, { active: false }))
    await allow(['token'])
    await expect(passwords()).rejects.toThrow(/"field":"rule.delivery"/)
    const tokens = await world.flow()
    const { rule } = await admin.must(admin.get(`/api/access-flows/${tokens.id}`))
    const changed = await admin.patch(`/api/access-flows/${tokens.id}`, { rule: { ...rule, delivery: 'password' } })
    expect(changed.body).toMatchObject({ status: 400, field: 'rule.delivery' })
    const on = await admin.patch(`/api/access-flows/${flow.id}`, { active: true })
    expect(on.body).toMatchObject({ status: 400, field: 'rule.delivery' })
  })

  it('is refused when it is asked for, and again at the last approval', async () => {
    await allow(BOTH)
    const flow = await passwords({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    const { id } = await world.request(alice, { flowId: flow.id })
    await allow(['token'])
    const approved = await bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
    expect(approved.body).toMatchObject({ status: 409, code: 'conflict' })
    expect(approved.body.message).toContain('does not hand credentials over as password')
    expect((await alice.api.get(`/api/access-requests/${id}`)).body).toMatchObject({ state: 'pending', grantId: null })
    const ask = await asked(flow.id)
    expect((await alice.api.post('/api/access-requests', ask)).body).toMatchObject({ status: 422, code: 'access.denied' })
    const dry = (await alice.api.post('/api/access-requests/dry-run', ask)).body
    expect(dry.allowed).toBe(false)
    expect(dry.reasons.join()).toContain('does not hand credentials over as password')
  })

  it('grants nothing for capabilities that nothing makes use of, and offers none of them', async () => {
    const { admin } = world.broker
    const { config: form } = (await admin.get('/api/catalog/vault')).body
    expect(form.properties.capabilities.items.enum).toEqual([
      'discovery',
      'grants',
      'rotate-secrets',
      'delete-versions',
      'destroy-versions',
      'change-policies',
      'revoke-tokens',
      'rotate-database',
      'read-certificates',
      'issue-certificates',
    ])
    expect(Object.keys(form.properties)).not.toEqual(expect.arrayContaining(['writablePaths']))
    expect(JSON.stringify(form)).not.toMatch(/writablePaths|databaseRoles|rotation/)

    // As it could be saved once.
    const config = {
      ...(await furnished(vault)),
      capabilities: ['discovery', 'grants', 'rotation', 'database', 'tokens'],
      writablePaths: [{ mount: 'kv', path: 'app' }],
      databaseRoles: [{ mount: 'database', role: 'app' }],
    }
    const plain = await admin.must(
      admin.post('/api/catalog/vault/minimum-policy', { config: { ...config, capabilities: ['discovery', 'grants'] } }),
    )
    const { document } = await admin.must(admin.post('/api/catalog/vault/minimum-policy', { config }))
    expect(document).toBe(plain.document)
    expect(document).not.toMatch(/kv\/data|accessors|revoke-accessor|rotate-role/)
    const old = await admin.must(
      admin.post('/api/integrations', { name: `old ${randomBytes(3).toString('hex')}`, plugin: 'vault', config }),
    )
    expect(old.config).toMatchObject({ capabilities: ['discovery', 'grants'] })
    await world.broker.database.query(
      `update integrations set config = config || '{"capabilities": ["rotation", "tokens"], "writablePaths": [{"mount": "kv", "path": "app"}]}',
         version = version + 1 where id = $1`,
      [old.id],
    )
    const alone = await admin.must(admin.get(`/api/integrations/${old.id}/minimum-policy`))
    expect(Object.keys(JSON.parse(alone.document).path)).toEqual([
      'auth/token/lookup-self',
      'auth/token/renew-self',
      'auth/token/revoke-self',
      'sys/capabilities-self',
    ])
    expect((await admin.post(`/api/integrations/${old.id}/health`)).status).toBe(200)
  })
})
