import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { actions, allowedActions } from '../../../plugins/vault/actions.ts'
import { CAPABILITIES, type Capability } from '../../../plugins/vault/config.ts'
import type { VaultConnection } from '../../../plugins/vault/connection.ts'
import { health } from '../../../plugins/vault/health.ts'
import { vault } from '../../../plugins/vault/index.ts'
import { minimumPolicy, policyDocument, wantedRules } from '../../../plugins/vault/minimum-policy.ts'
import { entryOf } from '../../../src/catalog/entry.ts'
import { requestFor } from '../../../src/distribution/certificates/signing-request.ts'
import { newId } from '../../../src/platform/ids.ts'
import { isReversible, type RunContext, type Step } from '../../../src/sdk/index.ts'
import { pkiReady } from '../../support/certificate-sources.ts'
import { configFor, connected, type PreparedVault, prepared } from '../../support/vault-broker.ts'
import { INSTANCE } from './vault-world.ts'

const signal = new AbortController().signal
const OFFERING = CAPABILITIES.filter((capability) => allowedActions([capability]).length > 0)
/** What some capabilities are for must be named. */
const NAMED = {
  policies: ['team-*'],
  certificatePaths: [{ mount: 'kv', path: 'certs/shop' }],
  pkiRoles: [{ mount: 'pki', role: 'web' }],
}
const INPUTS: Record<string, object> = {
  'issue-certificate': {
    mount: 'pki',
    role: 'web',
    commonName: 'shop.example.com',
    csr: (await requestFor('rsa-2048', { commonName: 'shop.example.com', domains: [] })).request,
  },
  'rotate-kv-secret': { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe' } } },
  'delete-kv-version': { mount: 'kv', path: 'app/db', versions: [1] },
  'destroy-kv-version': { mount: 'kv', path: 'app/db', versions: [1] },
  'update-policy': { name: 'team-a', document: 'path "kv/data/x" { capabilities = ["read"] }' },
}

describe.each(await serversUnderTest())('The rights for actions on $product', (binary) => {
  let server: VaultServer
  let approle: PreparedVault['approle']
  beforeAll(async () => {
    server = await startVaultServer({ binary })
    approle = (await prepared(server)).approle
    await server.api('POST', 'sys/mounts/database', { type: 'database' })
    await pkiReady(server)
  })
  afterAll(() => server.stop())

  /** A broker with the policy that one capability asks for, less one path where that is said. */
  async function withRights<T>(
    capability: Capability,
    work: (client: VaultConnection, config: ReturnType<typeof configFor>) => Promise<T>,
    lessPath?: string,
  ): Promise<T> {
    const settings = { auth: approle, capabilities: [capability], ...NAMED }
    const config = configFor(server.address, settings)
    const rules = wantedRules(config).filter(({ path }) => path !== lessPath)
    await server.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: policyDocument(rules) })
    const { client } = await connected(server.address, settings)
    try {
      return await work(client, config)
    } finally {
      await client.close()
    }
  }

  const contextFor = (client: VaultConnection): RunContext<VaultConnection> => ({
    client,
    runId: newId('run'),
    instance: INSTANCE,
    signal,
    stillMine: () => {},
  })

  async function inputOf(name: string): Promise<object> {
    if (name !== 'revoke-token') return INPUTS[name]!
    return { accessor: (await server.api('POST', 'auth/token/create', { policies: ['default'] })).body.auth.accessor }
  }

  it.each(OFFERING)('of %s satisfy the doctor, and leave nothing that nobody needs', async (capability) => {
    const checks = await withRights(capability, (client) => health(client, signal))
    expect(checks.filter(({ status, name }) => status !== 'ok' && name !== 'connection')).toEqual([])
  })

  it.each(OFFERING)('of %s are looked for one by one, with the line to add', async (capability) => {
    const config = configFor(server.address, { auth: approle, capabilities: [capability], ...NAMED })
    const own = wantedRules(config).filter(({ path }) => !/^auth\/token\/.*-self$|^sys\/capabilities-self$/.test(path))
    expect(own.length).toBeGreaterThan(0)
    for (const rule of own) {
      const checks = await withRights(capability, (client) => health(client, signal), rule.path)
      expect(checks.find(({ name }) => name === `right ${rule.path}`)).toMatchObject({
        status: rule.optional ? 'warning' : 'failed',
        fix: expect.stringContaining(`path "${rule.path}"`),
      })
    }
  })

  it.each(OFFERING.filter((capability) => capability !== 'rotate-database'))(
    'of %s are all that its actions need',
    async (capability) => {
      for (const name of allowedActions([capability])) {
        await server.api('DELETE', 'kv/metadata/app/db')
        await server.api('POST', 'kv/data/app/db', { data: { password: 'p' } })
        const action = actions.find((each) => each.name === name)!
        await withRights(capability, async (client) => {
          const ctx = contextFor(client)
          const steps: (Step & { record?: never })[] = await action.plan(ctx, action.input.parse(await inputOf(name)))
          for (const step of steps) Object.assign(step, await action.execute(ctx, step))
          const evidence = await action.verify!(ctx, steps)
          expect(evidence.map(({ holds }) => holds)).toEqual(steps.map(() => true))
          if (!isReversible(action)) return
          expect(await action.outlook!(ctx, steps)).toMatchObject({ isPossible: true })
          for (const step of steps) await action.rollback(ctx, step, step.record)
          expect((await action.verifyGone!(ctx, steps)).every(({ holds }) => holds)).toBe(true)
        })
      }
    },
  )

  it('ask for no list of accessors, which a server gives to nobody without sudo', async () => {
    const asks = async (capabilities: string[]) => {
      const policy = `path "auth/token/accessors" { capabilities = ${JSON.stringify(capabilities)} }`
      await server.api('PUT', 'sys/policies/acl/lists-accessors', { policy })
      const { auth } = (await server.api('POST', 'auth/token/create', { policies: ['lists-accessors'] })).body
      return (await server.api('GET', 'auth/token/accessors?list=true', undefined, { 'x-vault-token': auth.client_token })).status
    }
    expect([await asks(['list']), await asks(['list', 'sudo'])]).toEqual([403, 200])
    const all = configFor(server.address, { auth: approle, capabilities: [...CAPABILITIES], ...NAMED })
    expect(wantedRules(all).filter(({ path }) => path.includes('accessors'))).toEqual([])
  })

  it('that are missing are named by the action that needs them, with the line to add', async () => {
    await server.api('POST', 'kv/data/app/db', { data: { password: 'p' } })
    const action = actions.find(({ name }) => name === 'rotate-kv-secret')!
    const planning = withRights(
      'rotate-secrets',
      (client) => action.plan(contextFor(client), action.input.parse(INPUTS['rotate-kv-secret'])),
      'kv/data/*',
    )
    await expect(planning).rejects.toMatchObject({ code: 'target.denied', fix: expect.stringContaining('path "kv/data/*"') })
  })
})

describe('The actions of the plugin', () => {
  it('are offered only where the configuration says so', () => {
    const offered = (capabilities: string[]) =>
      vault.allowedActions!(configFor('https://v.example', { auth: { method: 'token', token: 'x' }, capabilities, ...NAMED }))
    expect(offered(['discovery', 'grants'])).toEqual([])
    expect(offered(['discovery', 'revoke-tokens'])).toEqual(['revoke-token'])
    const all = vault.actions.map(({ name }) => name).toSorted()
    expect(offered([...CAPABILITIES]).toSorted()).toEqual(all.filter((name) => name !== 'distribute-certificate'))
  })

  it('ask for no right of each other, and none where they are not enabled', () => {
    const documents = CAPABILITIES.map((capability): [string, string] => [
      capability,
      minimumPolicy(
        configFor('https://v.example', { auth: { method: 'token', token: 'x' }, capabilities: [capability], ...NAMED }),
      ).document,
    ])
    const having = (path: string) => documents.flatMap(([capability, document]) => (document.includes(path) ? [capability] : []))
    expect(having('/data/')).toEqual(['rotate-secrets', 'read-certificates'])
    expect(having('/sign/')).toEqual(['issue-certificates'])
    expect(having('/destroy/')).toEqual(['destroy-versions'])
    expect(having('/undelete/')).toEqual(['delete-versions'])
    expect(having('revoke-accessor')).toEqual(['revoke-tokens'])
    expect(having('rotate-root')).toEqual(['rotate-database'])
    expect(having('auth/token/accessors')).toEqual([])
  })

  it('stand in the catalog, each with its undo or the reason why there is none', () => {
    const shown = entryOf(vault).actions.map(({ name, ...how }) => [
      name,
      'irreversible' in how ? how.irreversible : how.reversible,
    ])
    expect(Object.fromEntries(shown)).toEqual({
      'grant-access': true,
      'distribute-certificate': true,
      'issue-certificate': true,
      'rotate-kv-secret': true,
      'delete-kv-version': true,
      'update-policy': true,
      'destroy-kv-version': expect.stringContaining('no call brings it back'),
      'revoke-token': expect.stringContaining('never gives the same token again'),
      'rotate-database-credentials': expect.stringContaining('nothing can be restored'),
    })
  })

  it('say what they do, how much hangs on it, and how they are undone or why not', () => {
    for (const action of vault.actions) {
      expect(action.description, action.name).toMatch(/^\S.{20,}\.$/)
      expect(action.severity, action.name).toMatch(/medium|high/)
      if (isReversible(action)) expect([typeof action.outlook, typeof action.verifyGone]).toEqual(['function', 'function'])
      if (!isReversible(action)) expect(action.irreversible.length, action.name).toBeGreaterThan(30)
    }
  })
})
