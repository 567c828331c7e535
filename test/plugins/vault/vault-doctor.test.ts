import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { type VaultConfig, vaultConfig } from '../../../plugins/vault/config.ts'
import { health } from '../../../plugins/vault/health.ts'
import { minimumPolicy, policyDocument, type Rule, wantedRules } from '../../../plugins/vault/minimum-policy.ts'
import type { HealthCheck } from '../../../src/sdk/index.ts'
import { configFor, connected, type PreparedVault, paused, prepared } from '../../support/vault-broker.ts'

const always = new AbortController().signal
const token = { method: 'token', token: 'nobody’s' }
const named = (checks: HealthCheck[], name: string) => checks.find((check) => check.name === name)
const unwell = (checks: HealthCheck[]) =>
  checks.filter((check) => check.status !== 'ok' && check.name !== 'connection').map((check) => `${check.status} ${check.name}`)

describe.each(await serversUnderTest())('the doctor, looking at a $product $version,', (binary) => {
  let server: VaultServer
  let approle: PreparedVault['approle']
  beforeAll(async () => {
    server = await startVaultServer({ binary })
    approle = (await prepared(server)).approle
    await server.api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
    await server.api('POST', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' } })
  })
  afterEach(() => allow(configFor(server.address, { auth: token })))
  afterAll(() => server.stop())

  it('finds nothing wrong where the guide was followed, and leaves nothing behind', async () => {
    const checks = await examined()
    expect(unwell(checks)).toEqual([])
    expect(named(checks, 'server')?.detail).toContain(binary.version)
    expect(named(checks, 'mount kv')?.status).toBe('ok')
    expect(named(checks, `right auth/apono/users/*`)?.detail).toBe('create, update, read, delete')
    const policies: string[] = (await server.api('GET', 'sys/policies/acl?list=true')).body.data.keys
    expect(policies.filter((name) => name.startsWith('apono-'))).toEqual([])
    expect((await server.api('GET', 'auth/apono/users?list=true')).status).toBe(404)
  })

  it('finds nothing wrong where the commands of the setup were pasted into a shell', async () => {
    const settings = {
      userpassMount: 'lent',
      policyName: 'pasted-broker',
      auth: { method: 'approle', mount: 'machines', roleId: '-', secretId: '-' },
    }
    const { commands } = minimumPolicy(configFor(server.address, settings))
    const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-cli-'))
    await symlink(binary.path, path.join(folder, 'vault'))
    const env = {
      PATH: `${folder}:${process.env['PATH']}`,
      HOME: folder,
      VAULT_TOKEN: server.rootToken,
      BAO_TOKEN: server.rootToken,
    }
    const { stdout } = await promisify(execFile)('sh', ['-ec', commands.join('\n')], { env })
    // A second integration is set up by the same words.
    await promisify(execFile)('sh', ['-ec', commands.join('\n')], { env })
    const [, roleId, wrappedSecretId] = /role ID: ([0-9a-f-]{36})\nwrapping token: (\S+)\n$/.exec(stdout) ?? []
    await rm(folder, { recursive: true })
    const auth = { method: 'approle', mount: 'machines', roleId, wrappedSecretId }
    expect(unwell(await examined({ ...settings, auth }))).toEqual([])
  })

  it('is content with the policy for all mounts, and points at KV v1 among them', async () => {
    const settings = { kvMounts: 'all', transitMounts: 'all' }
    await allow(configFor(server.address, { auth: token, ...settings }))
    const checks = await examined(settings)
    expect(unwell(checks)).toEqual(['warning mount old', 'warning mount team/kv'])
    expect(named(checks, 'mount old')).toMatchObject({
      detail: expect.stringContaining('keeps no versions and is not supported'),
      fix: 'vault kv enable-versioning old, or name only KV v2 mounts',
    })
  })

  it('names each missing right and the very line to add', async () => {
    const config = configFor(server.address, { auth: token })
    const without = (path: string) => wantedRules(config).filter((rule) => rule.path !== path)
    for (const rule of wantedRules(config).filter(({ path }) => path !== 'sys/capabilities-self')) {
      await write(without(rule.path))
      const check = named(await examined(), `right ${rule.path}`)
      expect(check).toMatchObject({
        status: rule.optional ? 'warning' : 'failed',
        detail: expect.stringContaining('the broker’s policy lacks'),
      })
      expect(check?.fix).toBe(`path "${rule.path}" { capabilities = [${rule.rights.map((right) => `"${right}"`).join(', ')}] }`)
    }
  })

  it.each<[what: string, path: string, rights: Rule['rights']]>([
    ['rewriting its own policy', 'sys/policies/acl/latchkey-broker', ['update']],
    ['rewriting it under another spelling', 'sys/policies/acl/L*', ['update']],
    ['the old policy endpoint', 'sys/policy/*', ['update']],
    ['users of other mounts', 'auth/userpass/users/*', ['create', 'update']],
    ['every path', '*', ['read']],
    ['sudo where it is not needed', 'auth/apono/users', ['list', 'sudo']],
    ['values of secrets', 'kv/data/*', ['read']],
    ['destroying secrets', 'kv/metadata/*', ['list', 'read', 'delete']],
    ['identity writes', 'identity/*', ['create', 'read', 'update', 'delete']],
    ['switching the audit off', 'sys/audit/*', ['delete', 'sudo']],
    ['making tokens', 'auth/token/create', ['update']],
  ])('reports rights nobody needs: %s', async (_, path, rights) => {
    const rules = wantedRules(configFor(server.address, { auth: token })).filter((rule) => rule.path !== path)
    await write([...rules, { path, rights, why: 'a mistake' }])
    const excess = (await examined()).filter((check) => check.name.startsWith('excess '))
    expect(excess[0]).toMatchObject({ status: 'warning', fix: expect.stringContaining('remove ') })
  })

  it('notices that users could be given any policy', async () => {
    const rules = wantedRules(configFor(server.address, { auth: token }))
    for (const part of ['allowedParameters', 'deniedParameters'] as const) {
      await write(rules.map((rule) => ({ ...rule, [part]: undefined })))
      expect(unwell(await examined())).toEqual(['warning excess auth/apono/users/* any policy'])
    }
  })

  it('warns about a root token, and about one that cannot be renewed', async () => {
    const root = await examined({ auth: { method: 'token', token: server.rootToken } })
    expect(unwell(root)).toEqual(['warning token 1', 'warning token 2', 'warning excess everything'])
    const made = await server.api('POST', 'auth/token/create', { policies: ['latchkey-broker'], ttl: '10m', renewable: false })
    const checks = await examined({ auth: { method: 'token', token: made.body.auth.client_token } })
    expect(checks.filter((check) => check.name.startsWith('token')).map((check) => check.detail)).toEqual([
      expect.stringContaining('cannot be renewed'),
      expect.stringContaining('default'),
      expect.stringContaining('ends together with the token'),
    ])
  })

  it('says which mount is missing, of another kind, or KV v1 where v2 was promised', async () => {
    const settings = { kvMounts: ['old', 'nowhere', 'transit'], transitMounts: ['kv'], userpassMount: 'approle' }
    await allow(configFor(server.address, { auth: token, ...settings }))
    const checks = await examined(settings)
    expect(named(checks, 'mount old')).toMatchObject({ status: 'failed', fix: expect.stringContaining('enable-versioning old') })
    expect(named(checks, 'mount nowhere')).toMatchObject({
      status: 'failed',
      fix: 'vault secrets enable -path=nowhere -version=2 kv',
    })
    expect(named(checks, 'mount transit')?.detail).toBe('transit is transit, not KV')
    expect(named(checks, 'mount kv')?.detail).toBe('kv is kv, not Transit')
    expect(named(checks, 'mount auth/approle')?.detail).toBe('auth/approle is approle, not userpass')
  })

  it('warns where the userpass mount would cut grants short', async () => {
    await server.api('POST', 'sys/auth/apono/tune', { max_lease_ttl: '10m' })
    expect(named(await examined(), 'mount auth/apono')).toMatchObject({
      status: 'warning',
      fix: 'vault auth tune -max-lease-ttl=24h apono',
    })
    await server.api('POST', 'sys/auth/apono/tune', { max_lease_ttl: '24h' })
  })

  it('says who ends a password', async () => {
    const expiry = named(await examined({ deliveries: ['token', 'password'] }), 'expiry')
    expect(expiry?.status).toBe(binary.product === 'openbao' ? 'ok' : 'warning')
  })

  it('says that the namespace is wrong', async () => {
    expect(named(await examined({ namespace: 'team-a' }), 'login')).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('namespace'),
    })
  })

  it('says that the login is refused, and asks nothing further', async () => {
    const checks = await examined({ auth: { ...approle, secretId: 'wrong' } })
    expect(checks.at(-1)).toMatchObject({ name: 'login', status: 'failed', fix: expect.stringContaining('secret ID') })
  })

  it('tells a sealed server from one that is gone or stands still', async () => {
    await server.seal()
    expect((await examined()).at(-1)).toMatchObject({ name: 'server', status: 'failed', detail: 'the server is sealed' })
    await server.unseal()
    await paused(server)
    const still = (await examined({ timeoutSeconds: 1 })).at(-1)
    server.resume()
    expect(still).toMatchObject({ name: 'server', status: 'failed', detail: expect.stringContaining('no answer in time') })
    const { client } = await connected('http://127.0.0.1:1', { auth: approle })
    expect((await health(client, always)).at(-1)).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('no connection'),
    })
    await client.close()
  })

  async function examined(settings: Record<string, unknown> = {}): Promise<HealthCheck[]> {
    const { client } = await connected(server.address, { auth: approle, ...settings })
    try {
      return await health(client, always)
    } finally {
      await client.close()
    }
  }

  const allow = (config: VaultConfig) =>
    server.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: minimumPolicy(config).document })
  const write = (rules: readonly Rule[]) =>
    server.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: policyDocument(rules) })
})

describe('the configuration', () => {
  const whole = { address: 'https://vault.example.com:8200', auth: { method: 'approle', roleId: 'r', secretId: 's' } }
  const refused = (settings: Record<string, unknown>) =>
    vaultConfig.safeParse({ ...whole, ...settings }).error?.issues.map((issue) => issue.path.join('.'))

  it('needs an address and a login, and brings the rest', () => {
    expect(vaultConfig.parse(whole)).toMatchObject({
      timeoutSeconds: 30,
      userpassMount: 'apono',
      policyPrefix: 'apono-g-',
      policyName: 'latchkey-broker',
      kvMounts: 'all',
      deliveries: ['token'],
      capabilities: ['discovery', 'grants'],
    })
  })

  it('refuses a policy of the broker’s own that the broker could rewrite', () => {
    expect(refused({ policyPrefix: 'apono-', policyName: 'apono-management' })).toEqual(['policyName'])
    expect(refused({ policyPrefix: 'Apono-' })).toEqual(['policyPrefix'])
    expect(refused({ policyName: 'Apono-g-management' })).toEqual(['policyName'])
  })

  it('refuses what would end up in a path or a command as something else', () => {
    for (const mount of ['a b', '../sys', 'kv/*', '+', 'kv//x', 'kv;rm', "kv'", '{{x}}', '$(id)']) {
      expect(refused({ userpassMount: mount })).toEqual(['userpassMount'])
      expect(refused({ kvMounts: [mount] })).toBeDefined()
    }
    for (const address of ['vault', 'ftp://x', 'https://user:pass@x', 'https://x?y', "https://x/'$(id)"]) {
      expect(refused({ address })).toEqual(['address'])
    }
  })

  it('wants exactly one secret ID and at most one CA, which must be a certificate', () => {
    expect(refused({ auth: { method: 'approle', roleId: 'r' } })).toEqual(['auth.secretId'])
    expect(refused({ auth: { method: 'approle', roleId: 'r', secretId: 's', wrappedSecretId: 'w' } })).toEqual(['auth.secretId'])
    expect(refused({ caPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' })).toEqual(['caPem'])
  })

  it('is the one that the guide shows the commands for', async () => {
    const config = vaultConfig.parse({ ...whole, kvMounts: ['kv'], transitMounts: ['transit'] })
    const guide = await readFile(path.join(import.meta.dirname, '../../../docs/integrations/vault.md'), 'utf8')
    expect(guide).toContain(minimumPolicy(config).commands.join('\n'))
  })

  it('has no switch that skips the verification of certificates', () => {
    const form = JSON.stringify(vaultConfig.toJSONSchema({ io: 'input' }))
    expect(form).not.toMatch(/skip|insecure|verify/i)
    expect(form).toContain('"writeOnly":true')
  })
})
