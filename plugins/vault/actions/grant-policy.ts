import { BrokerError, type Evidence } from '../../../src/sdk/index.ts'
import type { VaultCall } from '../../../vault/index.ts'
import type { VaultFeatures } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { type PolicyDocument, type PolicyStamp, parsePolicyComment, policyEnd, policyText } from '../policy.ts'
import type { Send } from '../send.ts'
import { endWritten, meansTheSame, type StoredPolicy } from '../stored-policy.ts'
import { type Looking, lastLook } from './looking.ts'

/** What is to stand in the target, and what the server can do about its end. */
export interface GrantPolicy {
  readonly name: string
  readonly document: PolicyDocument
  readonly stamp: PolicyStamp
  readonly features: VaultFeatures
}

/** Stores the policy unless it is there already. Overwrites only what bears this run's stamp. */
export async function writePolicy(send: Send, policy: GrantPolicy): Promise<{ ends: boolean }> {
  return replacePolicy(send, policy, await readPolicy(send, policy.name))
}

/** Moves the end of a policy that must be there: removing it may have been how somebody ended the access. */
export async function extendPolicy(send: Send, policy: GrantPolicy): Promise<void> {
  const stored = await readPolicy(send, policy.name)
  if (!stored) throw new BrokerError('target.not_found', `the policy ${policy.name} is gone`)
  await replacePolicy(send, policy, stored)
}

/** Takes the power away: the next request of every token that names it is refused. */
export async function deletePolicy(send: Send, name: string): Promise<void> {
  await send({ method: 'DELETE', path: ['sys/policies/acl', name], repeatable: true })
}

/** For a run that may have died before it wrote: what stands there could be somebody else's. */
export async function deletePolicyIfOurs(send: Send, name: string, stamp: Omit<PolicyStamp, 'until'>): Promise<void> {
  const stored = await readPolicy(send, name)
  if (stored && isOurs(stored, stamp)) await deletePolicy(send, name)
}

/** `ends` says that it was written with its end: then one without has been tampered with. Otherwise a server may have learnt it since. */
export async function policyStands(
  send: Send,
  { name, document, stamp, ends }: Omit<GrantPolicy, 'features'> & { readonly ends: boolean },
): Promise<Evidence> {
  const call = getPolicy(name)
  const answer = await send(call)
  const stored = storedIn(answer.data)
  const end = stored && endWritten(stored, stamp.until)
  const holds =
    stored !== undefined && meansTheSame(stored, document, stamp) && (end === 'everywhere' || (end === 'nowhere' && !ends))
  const observed = stored ? `stored${holds ? '' : ', but not'} as written` : `${answer.status}, not there`
  return evidenceOf(`policy ${name}`, holds, lookOf(call, answer, observed))
}

export async function policyGone(looking: Looking, name: string): Promise<Evidence> {
  return lastLook(looking, `policy ${name}`, getPolicy(name), ['sys/policies/acl'], name)
}

async function replacePolicy(send: Send, policy: GrantPolicy, stored: StoredPolicy | undefined): Promise<{ ends: boolean }> {
  const { name, document, stamp, features } = policy
  // What has an end in it keeps one, whatever a later probe of the server says.
  const ends = features.policyExpiration || (stored !== undefined && endWritten(stored, stamp.until) !== 'nowhere')
  if (stored && !isOurs(stored, stamp)) {
    throw new BrokerError('target.conflict', `there is a policy ${name} that was not made for ${stamp.runId}`, {
      fix: 'rename or remove that policy; names with this prefix belong to the broker',
    })
  }
  if (stored && isAsWritten(stored, policy, ends)) return { ends }
  await send({
    method: 'POST',
    path: ['sys/policies/acl', name],
    body: {
      policy: policyText(document, stamp, ends),
      // At every write: one without it would make the policy permanent.
      ...(ends && { expiration: policyEnd(stamp.until) }),
      ...(features.policyCas && { cas: stored ? (stored.version ?? 0) : -1 }),
    },
    repeatable: true,
  })
  return { ends }
}

async function readPolicy(send: Send, name: string): Promise<StoredPolicy | undefined> {
  return storedIn((await send(getPolicy(name))).data)
}

function getPolicy(name: string): VaultCall {
  return { method: 'GET', path: ['sys/policies/acl', name], accept: [404], repeatable: true }
}

function storedIn(data: Readonly<Record<string, unknown>>): StoredPolicy | undefined {
  const { policy, version, expiration } = data
  if (typeof policy !== 'string') return undefined
  return {
    text: policy,
    version: typeof version === 'number' ? version : undefined,
    expiration: typeof expiration === 'string' ? expiration : undefined,
  }
}

function isOurs(stored: StoredPolicy, stamp: Omit<PolicyStamp, 'until'>): boolean {
  const found = parsePolicyComment(stored.text)
  return found?.runId === stamp.runId && found.instance === stamp.instance
}

/** Whether a write would change nothing that matters. */
function isAsWritten(stored: StoredPolicy, { document, stamp }: GrantPolicy, ends: boolean): boolean {
  return meansTheSame(stored, document, stamp) && endWritten(stored, stamp.until) === (ends ? 'everywhere' : 'nowhere')
}
