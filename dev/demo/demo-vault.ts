import { expectOk } from '../vault/vault-initialise.ts'
import type { VaultServer } from '../vault/vault-server.ts'

/** The AppRole of the integration that lends; what rotates has another. */
const LENDER = 'latchkey'

type Vault = Pick<VaultServer, 'api' | 'auditLines'>

/** What a small company keeps: a value of each secret, and tags as the folder's owner wrote them. */
const SECRETS: Readonly<Record<string, { readonly data: object; readonly tags: Readonly<Record<string, string>> }>> = {
  'payments/stripe': { data: { api_key: 'sk_live_9f2c11' }, tags: { team: 'payments', env: 'production' } },
  'payments/paypal': { data: { client: 'acme', secret: 'b71d' }, tags: { team: 'payments', env: 'production' } },
  'payments/sandbox/stripe': { data: { api_key: 'sk_test_0001' }, tags: { team: 'payments', env: 'test' } },
  'shop/database': { data: { username: 'shop', password: 'aster' }, tags: { team: 'shop', env: 'production' } },
  'shop/cache': { data: { password: 'crocus' }, tags: { team: 'shop', env: 'production' } },
  'shop/search/admin-key': { data: { key: 'f00d' }, tags: { team: 'shop', env: 'production' } },
  'mail/smtp': { data: { username: 'robot', password: 'tulip' }, tags: { team: 'platform' } },
  'mail/dkim': { data: { selector: '2026a' }, tags: { team: 'platform' } },
  'ci/deploy-key': { data: { key: 'ssh-ed25519 AAAA' }, tags: { team: 'platform', env: 'production' } },
}
const KEYS: Readonly<Record<string, string>> = { orders: 'aes256-gcm96', invoices: 'ed25519', backups: 'chacha20-poly1305' }

/** What is in the broker's own reach on a server that was set up as the guide says. */
export async function fill({ api }: Vault): Promise<void> {
  for (const [path, { data, tags }] of Object.entries(SECRETS)) {
    expectOk(await api('POST', `kv/data/${path}`, { data }), `store ${path}`)
    expectOk(await api('POST', `kv/metadata/${path}`, { custom_metadata: tags }), `tag ${path}`)
  }
  for (const [name, type] of Object.entries(KEYS))
    expectOk(await api('POST', `transit/keys/${name}`, { type }), `make the key ${name}`)
}

/** A token somebody has in daily life: it may look at itself and nothing more. */
export async function dailyToken({ api }: Vault): Promise<string> {
  return expectOk(await api('POST', 'auth/token/create', { policies: ['default'] }), 'make a token').body.auth.client_token
}

/** The status a call is answered with, made with `token`. */
export async function asks({ api }: Vault, token: string, method: string, path: string, body?: object): Promise<number> {
  return (await api(method, path, body, { 'x-vault-token': token })).status
}

/** Everything a broker may have left: grant policies, users, leases of their tokens, entities. */
export async function traces({ api }: Vault): Promise<string[]> {
  const list = async (path: string): Promise<string[]> => (await api('GET', `${path}?list=true`)).body?.data?.keys ?? []
  const found: string[] = (await list('sys/policies/acl')).filter((name) => name.startsWith('apono-g-'))
  found.push(...(await list('auth/apono/users')), ...(await list('sys/leases/lookup/auth/apono/login')))
  for (const id of await list('identity/entity-alias/id')) {
    const alias = (await api('GET', `identity/entity-alias/id/${id}`)).body?.data
    if (alias?.mount_path === 'auth/apono/') found.push(alias.name)
  }
  return found
}

/** Answers to everything that was asked with the token of this accessor, as the server's audit file has them, oldest first. */
export async function answersTo(vault: Vault, accessor: string): Promise<{ at: number; served: boolean }[]> {
  // The file has keyed hashes, which the server tells an administrator. A refusal names the token and no accessor.
  const { hash } = expectOk(await vault.api('POST', 'sys/audit-hash/file', { input: accessor }), 'hash an accessor').body.data
  const answers = (await vault.auditLines()).filter((line) => line['type'] === 'response')
  const token = answers.find((line) => line['auth']?.accessor === hash && line['request'].client_token)?.['request'].client_token
  return answers
    .filter((line) => token !== undefined && line['request']?.client_token === token)
    .map((line) => ({ at: Date.parse(line['time']), served: line['error'] === undefined }))
}

/** By what ids the audit file knows requests: the server's own, and those the broker gave where an answer has no room for one. */
export async function auditedIds(vault: Vault): Promise<Set<string>> {
  const requests = (await vault.auditLines()).map((line) => line['request'])
  return new Set(requests.flatMap((request) => [request?.id, ...(request?.headers?.['x-correlation-id'] ?? [])]))
}

/** How many calls the broker made to lend, and how many of them reached for the value of a secret. */
export async function brokersCalls(vault: Vault): Promise<{ all: number; values: number }> {
  const requests = (await vault.auditLines()).filter((line) => line['type'] === 'request')
  const calls = requests.filter((line) => line['auth']?.metadata?.role_name === LENDER)
  return { all: calls.length, values: calls.filter((line) => line['request'].path.startsWith('kv/data/')).length }
}
