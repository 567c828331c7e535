import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { keyValueReady } from '../../../dev/vault/vault-setup.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { health } from '../../../plugins/vault/health.ts'
import { policyDocument, wantedRules } from '../../../plugins/vault/minimum-policy.ts'
import { configFor, connected } from '../../support/vault-broker.ts'
import { startWorld, type World } from '../../support/world.ts'

const OWN_POLICY = 'sys/policies/acl/latchkey-broker'

describe.each(await serversUnderTest())('an integration with all mounts of $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    await vault.api('POST', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' } })
    await keyValueReady(vault.api, 'team/kv')
    await vault.api('POST', 'team/kv/data/deep', { data: { a: 1 } })
    await vault.api('POST', 'sys/mounts/team-keys', { type: 'transit' })
    await vault.api('POST', 'team-keys/keys/seal', {})
    world = await startWorld(vault, { settings: { kvMounts: 'all', transitMounts: 'all' } })
    for (const name of ['db', 'cache']) await vault.api('POST', `kv/metadata/app/${name}`, { custom_metadata: { owner: name } })
  }, 120_000)
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const synced = async () => {
    const { admin } = world.broker
    const path = `/api/integrations/${world.integrationId}/sync`
    const { id } = await admin.must(admin.post(path))
    let run = await admin.must(admin.get(path))
    await waitFor('the discovery', async () => {
      run = await admin.must(admin.get(path))
      return run.id === id && run.state !== 'running'
    })
    return run
  }
  const named = async (name: string) =>
    (await world.broker.admin.get(`/api/resources?q=${encodeURIComponent(name)}`)).body.items.find(
      (one: { name: string }) => one.name === name,
    )

  it('finds the Transit keys of every mount', async () => {
    for (const name of ['transit/orders', 'team-keys/seal'])
      expect(await named(name)).toMatchObject({ name, type: 'vault-transit-key' })
    expect((await synced()).unreadable).toEqual([])
  })

  it('is told which rights of eight hundred are missing, though no server is asked for so many at once', async () => {
    const kvMounts = Array.from({ length: 200 }, (_, number) => `kv-${number}`)
    const settings = { kvMounts, capabilities: ['discovery', 'rotate-secrets'] }
    const rules = wantedRules(configFor(vault.address, { auth: { method: 'token', token: 'nobody’s' }, ...settings }))
    expect(rules.length).toBeGreaterThan(800)
    // Of the first hundreds and of the last.
    const missing = [rules[100]!, rules.at(-1)!].map(({ path }) => path)
    await vault.api('PUT', 'sys/policies/acl/many', {
      policy: policyDocument(rules.filter(({ path }) => !missing.includes(path))),
    })
    const made = await vault.api('POST', 'auth/token/create', { policies: ['many'], no_default_policy: true })
    const { client } = await connected(vault.address, {
      auth: { method: 'token', token: made.body.auth.client_token },
      ...settings,
    })
    const checks = await health(client, new AbortController().signal)
    await client.close()
    const wrong = checks.filter(({ name, status }) => name.startsWith('right ') && status !== 'ok')
    expect(wrong.map(({ name }) => name)).toEqual(missing.map((path) => `right ${path}`))
  })

  it('says which mounts are there and out of reach, and how to reach them', async () => {
    const { notices, state } = await synced()
    expect(state).toBe('completed')
    expect(notices).toEqual([expect.stringMatching(/^team\/kv\/ is a KV v2 mount .* name the mounts in kvMounts/)])
    const { admin } = world.broker
    const { checks } = await admin.must(admin.post(`/api/integrations/${world.integrationId}/health`))
    expect(checks.find((check: { name: string }) => check.name === 'mount team/kv')).toMatchObject({
      status: 'warning',
      fix: expect.stringContaining('team/kv'),
    })
  })

  it('keeps everybody else’s tags where one secret may not be looked at, and says which', async () => {
    await synced()
    expect((await named('kv/app/cache')).tags).toEqual({ owner: 'cache' })
    const text: string = (await vault.api('GET', OWN_POLICY)).body.data.policy
    const document = JSON.parse(text)
    document.path['kv/metadata/app/cache'] = { capabilities: ['deny'] }
    // What lists tags along with names is not there on every server.
    document.path['+/detailed-metadata/*'] = { capabilities: ['deny'] }
    await vault.api('PUT', OWN_POLICY, { policy: JSON.stringify(document) })
    await vault.api('POST', 'kv/metadata/app/db', { custom_metadata: { owner: 'changed' } })
    try {
      const { notices, state } = await synced()
      expect(state).toBe('completed')
      expect(notices).toContainEqual(
        expect.stringMatching(/^details of 1 resources could not be read; the first is kv\/app\/cache: /),
      )
      expect((await named('kv/app/db')).tags).toEqual({ owner: 'changed' })
      expect((await named('kv/app/cache')).tags).toEqual({ owner: 'cache' })
    } finally {
      await vault.api('PUT', OWN_POLICY, { policy: text })
    }
  })
})
