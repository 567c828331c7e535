import type { VaultServer } from '../dev/vault/vault-server.ts'
import { setUpVault } from '../dev/vault/vault-setup.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { mintToken } from '../src/identity/tokens/mint-token.ts'
import type { Broker } from './broker.ts'
import type { Caller } from './caller.ts'

export interface Person {
  readonly id: string
  readonly api: Caller
}

type Rule = Record<string, unknown>

/** Lets the broker look after a server: set up as the guide says, with the product's own minimum policy. Answers the integration's id. */
export async function connect(broker: Broker, vault: VaultServer): Promise<string> {
  const config = { address: vault.address, kvMounts: ['kv'], transitMounts: ['transit'] }
  const auth = { method: 'approle', roleId: 'not made yet' }
  const { document } = await broker.admin.must('POST', '/api/catalog/vault/minimum-policy', { config: { ...config, auth } })
  const login = await setUpVault(vault, { policy: document })
  const created = await broker.admin.must('POST', '/api/integrations', {
    name: 'bench',
    plugin: 'vault',
    config: { ...config, auth: { method: 'approle', ...login } },
  })
  return created.id
}

export async function discovered(broker: Broker, integration: string): Promise<void> {
  await broker.admin.must('POST', `/api/integrations/${integration}/sync`)
  await waitFor('the discovery to end', async () => {
    const run = await broker.admin.must('GET', `/api/integrations/${integration}/sync`)
    return run.state === 'completed'
  })
}

export async function person(broker: Broker, name: string): Promise<Person> {
  const { id } = await broker.admin.must('POST', '/api/users', { name, roles: ['member', 'approver'] })
  // As they would make it for themselves: nobody else's hands were on it.
  const query = async (statement: string, values?: unknown[]) => (await broker.database.query(statement, values)).rows
  const { token } = await mintToken({ query } as Parameters<typeof mintToken>[0], {
    userId: id,
    name: 'bench',
    scopes: ['read', 'request', 'approve'],
    seconds: 86_400,
    by: id,
    makers: [id],
  })
  return { id, api: broker.as(token.reveal()) }
}

export async function flow(broker: Broker, integrationId: string, rule: Rule): Promise<string> {
  const base = {
    requesters: { kind: 'everyone' },
    resources: [{ paths: ['**'] }],
    permissions: { 'vault-kv-secret': ['read'] },
    maxSeconds: 86_400,
    justification: 'optional',
  }
  const name = `flow ${JSON.stringify(rule).length} ${Date.now()}`
  const { id } = await broker.admin.must('POST', '/api/access-flows', { name, integrationId, rule: { ...base, ...rule } })
  return id
}

/** Throws unless everything the broker made is gone again, and its audit trail is whole: else a figure is void. */
export async function nothingLeft(broker: Broker, vault: VaultServer): Promise<void> {
  const list = async (path: string): Promise<string[]> => (await vault.api('GET', `${path}?list=true`)).body?.data?.keys ?? []
  const left = [
    ...(await list('sys/policies/acl')).filter((name) => name.startsWith('apono-g-')),
    ...(await list('auth/apono/users')),
    ...(await list('sys/leases/lookup/auth/apono/login')),
  ]
  if (left.length > 0) throw new Error(`void: ${left.length} objects are left, ${left[0]} among them`)
  const verdict = await broker.admin.must('POST', '/api/audit/verify')
  if (!verdict.ok) throw new Error(`void: the audit trail is broken: ${JSON.stringify(verdict.findings.slice(0, 3))}`)
}

/** Throws unless there are exactly as many users and policies as grants that are live. */
export async function objectsMatch(broker: Broker, vault: VaultServer): Promise<void> {
  const { rows } = await broker.database.query<{ count: number }>(`select count(*)::int from grants where state = 'active'`)
  const users = (await vault.api('GET', 'auth/apono/users?list=true')).body?.data?.keys ?? []
  const policies = (await vault.api('GET', 'sys/policies/acl?list=true')).body?.data?.keys ?? []
  const ours = policies.filter((name: string) => name.startsWith('apono-g-'))
  const grants = rows[0]?.count
  if (users.length !== grants || ours.length !== grants) {
    throw new Error(`void: ${grants} grants, ${users.length} users and ${ours.length} policies`)
  }
}
