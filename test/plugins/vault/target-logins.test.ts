import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { inhabit, startWorld, traces, tracesOfProbes, type World } from '../../support/world.ts'

interface Check {
  readonly name: string
  readonly status: string
  readonly detail: string
  readonly fix?: string
}

const ROLE = 'auth/approle/role/latchkey'
const MOUNT = 'sys/auth/apono/tune'

describe.each(await serversUnderTest())('the logins that grants need, on $product $version,', (binary) => {
  let vault: VaultServer
  let world: World
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
  })
  afterEach(async () => {
    await vault.api('POST', MOUNT, { token_type: 'default-service', user_lockout_config: { lockout_disable: true } })
    await vault.api('DELETE', 'identity/mfa/login-enforcement/everybody')
    await vault.api('POST', ROLE, { token_num_uses: 0, secret_id_num_uses: 0 })
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const examined = async (integrationId = world.integrationId): Promise<Check[]> => {
    const { admin } = world.broker
    return (await admin.must(admin.post(`/api/integrations/${integrationId}/health`))).checks
  }
  const unwell = async () =>
    (await examined()).filter(({ status, name }) => status !== 'ok' && name !== 'connection').map(({ name }) => name)
  const opening = (grantId: string) => world.alice.api.post(`/api/grants/${grantId}/open`)
  const userOf = async (grantId: string): Promise<string> => {
    const steps = await world.broker.admin.must(world.broker.admin.get(`/api/grants/${grantId}/steps`))
    return (steps.items ?? steps)[0].target.split('/').at(-1)
  }
  const newRole = async (settings: object) => {
    await vault.api('POST', 'auth/approle/role/other', {
      token_policies: ['latchkey-broker'],
      token_no_default_policy: true,
      token_ttl: '60m',
      ...settings,
    })
    const roleId: string = (await vault.api('GET', 'auth/approle/role/other/role-id')).body.data.role_id
    const secretId: string = (await vault.api('POST', 'auth/approle/role/other/secret-id')).body.data.secret_id
    return { method: 'approle', roleId, secretId }
  }
  const configWith = (auth: object) => ({ address: vault.address, kvMounts: ['kv'], transitMounts: ['transit'], auth })

  it('are tried by the health check, which leaves nothing behind', async () => {
    const checks = await examined()
    expect(checks.find(({ name }) => name === 'logins at auth/apono')).toMatchObject({ status: 'ok' })
    expect(await unwell()).toEqual([])
    await waitFor('the check to have taken its own away', async () => (await tracesOfProbes(vault)).length === 0)
    expect(await traces(vault)).toEqual([])
  })

  /** by an integration of its own: one that allows passwords is warned of on a server that does not end what they give */
  const byPassword = async (): Promise<string> => {
    const config = { ...configWith(await newRole({})), deliveries: ['token', 'password'] }
    const { grant, flow } = await inhabit(world.broker, vault, config)
    return grant(world.alice, { flowId: (await flow({ delivery: 'password' })).id })
  }

  it('are refused with words of their own where the mount gives batch tokens', async () => {
    const grant = await world.grant(world.alice, {})
    const withPassword = await byPassword()
    const fix = 'vault auth tune -token-type=default-service apono'
    await vault.api('POST', MOUNT, { token_type: 'batch' })
    expect((await opening(grant)).body).toMatchObject({ code: 'target.unrevocable', fix })
    expect((await opening(withPassword)).body).toMatchObject({ code: 'target.unrevocable', fix })
    const [check] = (await examined()).filter(({ status }) => status === 'failed')
    expect(check).toMatchObject({ name: 'mount auth/apono', detail: expect.stringContaining('batch tokens'), fix })
    await vault.api('POST', MOUNT, { token_type: 'default-service' })
    expect((await opening(grant)).status).toBe(200)
    expect((await opening(withPassword)).status).toBe(200)
    await waitFor('the check to have taken its own away', async () => (await tracesOfProbes(vault)).length === 0)
  })

  it('give service tokens where the mount gives batch tokens only to who asks for no other', async () => {
    await vault.api('POST', MOUNT, { token_type: 'default-batch' })
    const byToken = await world.grant(world.alice, {})
    expect((await world.open(world.alice, byToken)).token).toMatch(/^(hv)?s\./)
    const { username, password } = (await world.open(world.alice, await byPassword())).fields
    const login = await vault.api('POST', `auth/apono/login/${username}`, { password })
    expect(login.body.auth).toMatchObject({ token_type: 'service' })
    expect(await unwell()).toEqual([])
  })

  it('are refused with words of their own where the server asks for a second factor', async () => {
    const grant = await world.grant(world.alice, {})
    const method = await vault.api('POST', 'identity/mfa/method/totp', { issuer: 'somebody', period: 30 })
    const { accessor } = (await vault.api('GET', 'sys/auth')).body.data['apono/']
    await vault.api('POST', 'identity/mfa/login-enforcement/everybody', {
      mfa_method_ids: [method.body.data.method_id],
      auth_method_accessors: [accessor],
    })
    const refused = { code: 'target.second_factor', fix: expect.stringContaining('login enforcement') }
    expect((await opening(grant)).body).toMatchObject(refused)
    const [check] = (await examined()).filter(({ status }) => status === 'failed')
    expect(check).toMatchObject({ name: 'logins at auth/apono', detail: expect.stringContaining('second factor') })
    await vault.api('DELETE', 'identity/mfa/login-enforcement/everybody')
    expect((await opening(grant)).status).toBe(200)
    expect(await unwell()).toEqual([])
    await waitFor('the check to have taken its own away', async () => (await tracesOfProbes(vault)).length === 0)
  })

  it('are not locked by strangers where the set-up was followed', async () => {
    const grant = await world.grant(world.alice, {})
    const user = await userOf(grant)
    for (let i = 0; i < 8; i += 1) await vault.api('POST', `auth/apono/login/${user}`, { password: 'guess' })
    expect((await opening(grant)).status).toBe(200)
  })

  it('say that strangers locked them, and how to unlock, and the health check says before that they can', async () => {
    await vault.api('POST', MOUNT, { user_lockout_config: { lockout_disable: false } })
    const fix = 'vault auth tune -user-lockout-disable=true apono'
    expect((await examined()).filter(({ status, name }) => status !== 'ok' && name !== 'connection')).toEqual([
      expect.objectContaining({ name: 'lock-out at auth/apono', status: 'warning', fix }),
    ])
    const grant = await world.grant(world.alice, {})
    const user = await userOf(grant)
    for (let i = 0; i < 8; i += 1) await vault.api('POST', `auth/apono/login/${user}`, { password: 'guess' })
    const refused = (await opening(grant)).body
    expect(refused).toMatchObject({ code: 'target.locked_out', fix: expect.stringContaining(fix) })
    expect(refused.message).toContain('15 minutes')
    await vault.api('POST', MOUNT, { user_lockout_config: { lockout_disable: true } })
    expect((await opening(grant)).status).toBe(200)
  })

  it('get through with tokens of the broker’s that serve few calls, and the health check says so', async () => {
    const { admin } = world.broker
    const auth = await newRole({ token_num_uses: 4 })
    const tested = await admin.must(admin.post('/api/integrations/test', { plugin: 'vault', config: configWith(auth) }))
    expect(tested.healthy).toBe(true)
    expect(tested.checks).toContainEqual(
      expect.objectContaining({
        status: 'warning',
        detail: expect.stringContaining('serves only 4 calls'),
        fix: expect.stringContaining('token_num_uses=0'),
      }),
    )
    const path = `/api/integrations/${world.integrationId}`
    const before = (await admin.must(admin.get(path))).config.auth
    const { roleId } = before
    const own = await vault.api('POST', `${ROLE}/secret-id`)
    await vault.api('POST', ROLE, { token_num_uses: 4 })
    await admin.must(admin.patch(path, { config: configWith({ method: 'approle', roleId, secretId: own.body.data.secret_id }) }))
    const grants = await Promise.all(Array.from({ length: 5 }, () => world.grant(world.alice, {})))
    const opened = await Promise.all(grants.map(opening))
    expect(opened.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    await Promise.all(grants.map((id) => admin.must(admin.post(`/api/grants/${id}/revoke`, { reason: 'done' }))))
    for (const id of grants) await world.until(world.alice, id, 'revoked')
  })

  it('are not promised with a secret ID that the test itself used up', async () => {
    const { admin } = world.broker
    const auth = await newRole({ secret_id_num_uses: 1, token_num_uses: 0 })
    const refused = await admin.post('/api/integrations', { name: 'one use', plugin: 'vault', config: configWith(auth) })
    expect(refused).toMatchObject({ status: 422, body: { code: 'integration.unhealthy' } })
    expect(refused.body.fix).toContain('secret_id_num_uses=0')
  })

  it('and all else, get what the broker’s role was given since, without a restart', async () => {
    const document = (await vault.api('GET', 'sys/policies/acl/latchkey-broker')).body.data.policy
    const poor = JSON.parse(document)
    delete poor.path['sys/policies/acl/apono-g-*']
    await vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: JSON.stringify(poor) })
    try {
      expect(await unwell()).toContain('right sys/policies/acl/apono-g-*')
      const more = { path: { 'sys/policies/acl/apono-g-*': { capabilities: ['create', 'update', 'read', 'delete'] } } }
      await vault.api('PUT', 'sys/policies/acl/more', { policy: JSON.stringify(more) })
      await vault.api('POST', ROLE, { token_policies: ['latchkey-broker', 'more'] })
      expect(await unwell()).toEqual([])
      const grant = await world.grant(world.alice, {})
      await waitFor('the credential', async () => (await opening(grant)).status === 200)
    } finally {
      await vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: document })
    }
  })
})
