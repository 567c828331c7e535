import { randomBytes } from 'node:crypto'
import { hash } from '@node-rs/bcrypt'
import { isBrokerError, Secret } from '../../src/sdk/index.ts'
import type { VaultClient, VaultFeatures } from './client.ts'
import { AUDITED_HEADER } from './minimum-policy.ts'
import { readMounts } from './mounts.ts'
import { PROBE_POLICY, PROBE_USER, probeName } from './probe-names.ts'

const FAR_AHEAD_MS = 10 * 365 * 86_400_000

type Probed = Pick<VaultClient, 'call' | 'settings'>

/** Asks the server itself what it can do, with things that are gone afterwards. A right that is missing counts as “cannot”. */
export async function probeFeatures(client: Probed): Promise<VaultFeatures> {
  const [policies, users, detailedMetadata] = await Promise.all([
    probePolicies(client),
    probeUsers(client),
    probeMetadata(client),
  ])
  return { ...policies, ...users, detailedMetadata, probedAt: new Date().toISOString() }
}

async function probePolicies(client: Probed): Promise<Pick<VaultFeatures, 'policyExpiration' | 'policyCas'>> {
  const path = ['sys/policies/acl', probeName(client.settings.policyPrefix + PROBE_POLICY)]
  // So far ahead that no clock which is wrong makes it past; the policy's own end removes what a dead broker leaves.
  const expiration = new Date(Date.now() + FAR_AHEAD_MS).toISOString().replace(/\.\d+Z$/, 'Z')
  const write = (rule: object, fields: object) =>
    client.call({
      method: 'POST',
      path,
      body: { policy: JSON.stringify({ path: { 'latchkey/probe': rule } }), ...fields },
      accept: [400, 403],
      repeatable: true,
    })
  try {
    // The path's expiration makes the policy's honest: Vault drops the latter without a word and refuses the former.
    const expiring = await write({ capabilities: ['deny'], expiration }, { ttl: '60s' })
    if (expiring.status === 403) return { policyExpiration: false, policyCas: false }
    const stored =
      expiring.status === 400 ? undefined : await client.call({ method: 'GET', path, accept: [404], repeatable: true })
    const policyExpiration = Boolean(stored?.data['expiration'])
    if (expiring.status === 400) await write({ capabilities: ['deny'] }, {})
    const onceMore = await write({ capabilities: ['deny'] }, { cas: -1 })
    return { policyExpiration, policyCas: onceMore.status === 400 }
  } finally {
    await client.call({ method: 'DELETE', path, accept: [403], repeatable: true })
  }
}

async function probeUsers(client: Probed): Promise<Pick<VaultFeatures, 'passwordHash' | 'pagedList'>> {
  const users = ['auth', client.settings.userpassMount, 'users']
  // No letters: such a name has no other spelling.
  const path = [...users, probeName(PROBE_USER)]
  const digest = new Secret(await hash(randomBytes(24).toString('base64url'), 5))
  try {
    const body = { password_hash: digest, token_no_default_policy: true, token_ttl: 1, token_max_ttl: 1 }
    const written = await client.call({ method: 'POST', path, body, accept: [400, 403, 404], repeatable: true })
    if (written.status >= 400) return { passwordHash: false, pagedList: false }
    // Behind the last possible name a server that pages has nothing; one that does not shows everything again.
    const page = await client.call({
      method: 'GET',
      path: users,
      list: true,
      query: { after: '~', limit: '1' },
      accept: [403, 404],
      repeatable: true,
    })
    return { passwordHash: true, pagedList: page.status === 404 }
  } finally {
    await client.call({ method: 'DELETE', path, accept: [403, 404], repeatable: true })
  }
}

async function probeMetadata(client: Probed): Promise<boolean> {
  const mount = client.settings.kvMounts === 'all' ? await anyKvMount(client) : client.settings.kvMounts[0]
  if (mount === undefined) return false
  const page = await client.call({
    method: 'GET',
    path: [mount, 'detailed-metadata'],
    list: true,
    accept: [403, 404, 405],
    repeatable: true,
  })
  return page.status === 200 || (page.status === 404 && page.warnings.length === 0 && page.errors.length === 0)
}

async function anyKvMount(client: Probed): Promise<string | undefined> {
  try {
    const { secret } = await readMounts((call) => client.call(call))
    return secret.find(({ kind }) => kind === 'kv')?.path
  } catch (error) {
    if (isBrokerError(error, 'target.denied')) return undefined
    throw error
  }
}

/** Whether the audit log shows what we send as `x-correlation-id`; undefined where the token, or the namespace, may not ask. */
export async function probeAuditedHeader(client: Pick<VaultClient, 'call'>, signal?: AbortSignal): Promise<boolean | undefined> {
  const answer = await client.call({
    method: 'GET',
    path: AUDITED_HEADER,
    accept: [400, 403, 404],
    repeatable: true,
    rank: 'ending',
    signal,
  })
  if (answer.status === 200) return answer.data['x-correlation-id'] !== undefined
  return answer.errors.some((error) => error.toLowerCase().includes('could not find header')) ? false : undefined
}
