import { randomBytes } from 'node:crypto'
import type { VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from './api.ts'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import type { FreshDatabase } from './database.ts'
import { ownToken } from './own-token.ts'
import { prepared } from './vault-broker.ts'

export interface PersonInWorld {
  readonly id: string
  readonly name: string
  readonly token: string
  readonly api: Api
}

/** What of a broker its inhabitants need, be it in this process or in one of its own. */
export type Habitable = Pick<Broker, 'admin' | 'api' | 'close' | 'database'>

/** A broker in front of a real server, people, and a tree of secrets: what most stories begin with. */
export interface World<Home extends Habitable = Broker> {
  readonly broker: Home
  readonly vault: VaultServer
  readonly integrationId: string
  readonly alice: PersonInWorld
  readonly bob: PersonInWorld
  person(name: string, roles?: string[], scopes?: string[]): Promise<PersonInWorld>
  /** a flow over everything discovered; the difference goes into `rule` */
  flow(rule?: Record<string, unknown>): Promise<{ id: string; name: string }>
  resource(name: string, type?: string): Promise<string>
  /** asks as `who`, and answers the request's id */
  request(who: PersonInWorld, ask: Ask): Promise<{ id: string; grantId: string | null; state: string }>
  /** an active grant, by an automatic flow */
  grant(who: PersonInWorld, ask: Ask): Promise<string>
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects
  until(who: PersonInWorld, grantId: string, state: string | RegExp, withinMs?: number): Promise<any>
  open(who: PersonInWorld, grantId: string): Promise<Opened>
  close(): Promise<void>
}

export interface Ask {
  readonly name?: string
  readonly type?: string
  readonly permissions?: readonly string[]
  readonly seconds?: number
  readonly flowId?: string
  readonly justification?: string
}

export interface Opened {
  readonly fields: Record<string, string>
  /** the token itself, unwrapped by its rightful owner */
  readonly token: string
}

export const ALL_KV = ['read', 'write', 'list', 'metadata', 'delete']
export const ALL_TRANSIT = ['encrypt', 'decrypt', 'sign', 'verify', 'hmac', 'rewrap', 'read']

/** Secrets and keys a small company might have. */
const SECRETS: Record<string, Record<string, string>> = {
  'app/db': { username: 'app', password: 'orange' },
  'app/cache': { password: 'lemon' },
  'app/db/replica': { password: 'lime' },
  'team/payments/stripe': { key: 'plum' },
}
const KEYS: Record<string, string> = { orders: 'aes256-gcm96', invoices: 'ed25519' }

export async function startWorld(
  vault: VaultServer,
  options: BrokerOptions & { config?: object; settings?: Record<string, unknown> } = {},
): Promise<World> {
  const { settings = {}, ...brokerOptions } = options
  const config = await furnished(vault, settings)
  return inhabit(await startBroker(brokerOptions), vault, config)
}

/** Puts the tree of secrets into a server, and answers how a broker reaches it. */
export async function furnished(vault: VaultServer, settings: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { approle } = await prepared(vault, settings)
  for (const [path, data] of Object.entries(SECRETS)) await vault.api('POST', `kv/data/${path}`, { data })
  for (const [name, type] of Object.entries(KEYS)) await vault.api('POST', `transit/keys/${name}`, { type })
  return { address: vault.address, kvMounts: ['kv'], transitMounts: ['transit'], auth: approle, ...settings }
}

/** The same on a broker and a server that are ready. */
export async function inhabit<Home extends Habitable>(
  broker: Home,
  vault: VaultServer,
  config: Record<string, unknown>,
): Promise<World<Home>> {
  const { admin } = broker
  const integration = await admin.must(
    admin.post('/api/integrations', { name: `vault ${randomBytes(3).toString('hex')}`, plugin: 'vault', config }),
  )
  await admin.must(admin.post(`/api/integrations/${integration.id}/sync`))
  await waitFor('the sync to complete', async () => {
    const sync = await admin.must(admin.get(`/api/integrations/${integration.id}/sync`))
    if (sync.state === 'failed' || sync.state === 'incomplete') throw new Error(JSON.stringify(sync))
    return sync.state === 'completed'
  })

  const person = async (name: string, roles = ['member'], scopes = ['read', 'request', 'approve']) => {
    const user = await admin.must(admin.post('/api/users', { name: `${name} ${randomBytes(3).toString('hex')}`, roles }))
    const { token } = await ownToken(broker.database, user.id, scopes)
    return { id: user.id, name: user.name, token, api: broker.api(token) }
  }
  const alice = await person('alice')
  const bob = await person('bob')

  const flow = async (rule: Record<string, unknown> = {}) =>
    admin.must(
      admin.post('/api/access-flows', {
        name: `flow ${randomBytes(4).toString('hex')}`,
        integrationId: integration.id,
        rule: {
          requesters: { kind: 'everyone' },
          resources: [{ paths: ['**'] }],
          permissions: { 'vault-kv-secret': ALL_KV, 'vault-transit-key': ALL_TRANSIT },
          maxSeconds: 86_400,
          justification: 'optional',
          approval: { kind: 'automatic' },
          ...rule,
        },
      }),
    )

  const resource = async (name: string, type = 'vault-kv-secret') => {
    const found = await admin.must(
      admin.get(`/api/resources?type=${type}&integration=${integration.id}&q=${encodeURIComponent(name)}&limit=200`),
    )
    const match = found.items.find((item: { name: string }) => item.name === name)
    if (!match)
      throw new Error(`${name} was not discovered: ${JSON.stringify(found.items.map((item: { name: string }) => item.name))}`)
    return match.id as string
  }

  const request = async (who: PersonInWorld, ask: Ask) => {
    const resourceId = await resource(ask.name ?? 'kv/app/db', ask.type)
    return who.api.must(
      who.api.post('/api/access-requests', {
        flowId: ask.flowId,
        resources: [{ resourceId, permissions: ask.permissions ?? ['read'] }],
        seconds: ask.seconds ?? 3600,
        justification: ask.justification ?? 'because',
      }),
    )
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  const until = async (who: PersonInWorld, grantId: string, state: string | RegExp, withinMs = 20_000): Promise<any> => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    let last: any
    await waitFor(
      `${grantId} to be ${state}`,
      async () => {
        last = await who.api.must(who.api.get(`/api/grants/${grantId}`))
        return typeof state === 'string' ? last.state === state : state.test(last.state)
      },
      withinMs,
    ).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : error}; it is ${JSON.stringify(last)}`)
    })
    return last
  }

  let automatic: { id: string } | undefined
  const grant = async (who: PersonInWorld, ask: Ask) => {
    automatic ??= await flow()
    const { grantId } = await request(who, { flowId: automatic?.id, ...ask })
    if (!grantId) throw new Error('the request was not approved at once')
    await until(who, grantId, 'active')
    return grantId
  }

  const open = async (who: PersonInWorld, grantId: string): Promise<Opened> => {
    const credential = await who.api.must(who.api.post(`/api/grants/${grantId}/open`))
    const fields = Object.fromEntries(credential.fields.map(({ name, value }: { name: string; value: string }) => [name, value]))
    if (credential.delivery !== 'token') return { fields, token: '' }
    const wrapping = fields['wrappingToken'] ?? fields['wrapping_token'] ?? Object.values(fields)[0]!
    const unwrapped = await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': wrapping })
    return { fields, token: unwrapped.body?.auth?.client_token ?? '' }
  }

  return {
    broker,
    vault,
    integrationId: integration.id,
    alice,
    bob,
    person,
    flow,
    resource,
    request,
    grant,
    until,
    open,
    close: () => broker.close(),
  }
}

/** What a token may do with a path, as the server itself answers. */
export async function tries(vault: VaultServer, token: string, method: string, path: string, body?: unknown): Promise<number> {
  return (await vault.api(method, path, body, { 'x-vault-token': token })).status
}

/** Asks with the token until it is refused, and answers the database's time from right before the last call that was served. */
export async function lastServed(vault: VaultServer, database: FreshDatabase, token: string, path: string): Promise<Date> {
  let last: Date | undefined
  await waitFor('the access to end', async () => {
    const [moment] = await database.query<{ now: Date }>('select clock_timestamp() as now')
    const status = await tries(vault, token, 'GET', path)
    if (status === 200) last = moment!.now
    return status === 403
  })
  if (!last) throw new Error(`${path} was never served`)
  return last
}

/**
 * Everything in the server that a broker may have left of grants: policies with the prefix, users, their entities and aliases, leases. What
 * a health check has there for a moment is not told: cut off in the middle, it leaves them without power until a sweep ten minutes later.
 */
export async function traces(vault: VaultServer): Promise<string[]> {
  return (await tracesNow(vault)).filter((trace) => !isOfProbe(trace))
}

/** What a health check has there. */
export async function tracesOfProbes(vault: VaultServer): Promise<string[]> {
  return (await tracesNow(vault)).filter(isOfProbe)
}

/** The users of grants that are in the server. */
export async function usersOfGrants(vault: VaultServer): Promise<string[]> {
  const names: string[] = (await vault.api('GET', 'auth/apono/users?list=true')).body?.data?.keys ?? []
  return names.filter((name) => !isOfProbe(`user ${name}`))
}

function isOfProbe(trace: string): boolean {
  return / (of )?(0-|apono-g-probe-)\d/.test(trace)
}

async function tracesNow(vault: VaultServer): Promise<string[]> {
  const list = async (path: string): Promise<string[]> => (await vault.api('GET', `${path}?list=true`)).body?.data?.keys ?? []
  const policies = (await list('sys/policies/acl')).filter((name) => name.startsWith('apono-g-'))
  const users = await list('auth/apono/users')
  const leases = await list('sys/leases/lookup/auth/apono/login')
  const aliases = await list('identity/entity-alias/id')
  const named = await Promise.all(
    aliases.map(async (id) => (await vault.api('GET', `identity/entity-alias/id/${id}`)).body?.data),
  )
  return [
    ...policies.map((name) => `policy ${name}`),
    ...users.map((name) => `user ${name}`),
    ...leases.map((name) => `leases of ${name}`),
    ...named.filter((alias) => alias?.mount_path === 'auth/apono/').map((alias) => `alias ${alias.name}`),
  ]
}
