import { BrokerError, type Evidence } from '../../../src/sdk/index.ts'
import type { VaultCall, VaultFeatures } from '../client/client.ts'
import { type PolicyDocument, type PolicyStamp, parsePolicyComment, policyEnd, policyText } from '../policy.ts'
import type { Send } from '../send.ts'

interface Stored {
  readonly text: string
  readonly version?: number
  readonly expiration?: string
}

/** Stores the policy unless exactly it is there. Overwrites only what bears this run's stamp. */
export async function writePolicy(
  send: Send,
  name: string,
  document: PolicyDocument,
  stamp: PolicyStamp,
  features: VaultFeatures,
): Promise<void> {
  const text = policyText(document, stamp, features.policyExpiration)
  const stored = await readPolicy(send, name)
  if (stored && !isOurs(stored, stamp)) {
    throw new BrokerError('target.conflict', `a policy ${name} is there and was not made for ${stamp.runId}`, {
      fix: 'rename or remove that policy; the prefix belongs to the broker',
    })
  }
  if (stored && isSame(stored, text, stamp, features)) return
  await send({
    method: 'POST',
    path: ['sys/policies/acl', name],
    body: {
      policy: text,
      ...(features.policyExpiration && { expiration: policyEnd(stamp.until) }),
      ...(features.policyCas && { cas: stored?.version ?? -1 }),
    },
    repeatable: true,
  })
}

/** Moves the end of a policy that must be there. */
export async function extendPolicy(
  send: Send,
  name: string,
  document: PolicyDocument,
  stamp: PolicyStamp,
  features: VaultFeatures,
): Promise<void> {
  // A policy that somebody removed is not made anew: removing it may have been how they ended the access.
  if (!(await readPolicy(send, name))) throw new BrokerError('target.not_found', `the policy ${name} is gone`)
  await writePolicy(send, name, document, stamp, features)
}

/** Takes the power away: the next request of every token that names it is refused. */
export async function deletePolicy(send: Send, name: string): Promise<void> {
  await send({ method: 'DELETE', path: ['sys/policies/acl', name], accept: [404], repeatable: true })
}

/** For a run that may have died before it wrote: what stands there could be somebody else's. */
export async function deletePolicyIfOurs(send: Send, name: string, stamp: Omit<PolicyStamp, 'until'>): Promise<void> {
  const stored = await readPolicy(send, name)
  if (stored && isOurs(stored, stamp)) await deletePolicy(send, name)
}

export async function policyStands(
  send: Send,
  name: string,
  document: PolicyDocument,
  stamp: PolicyStamp,
  features: VaultFeatures,
): Promise<Evidence> {
  const answer = await send(getPolicy(name))
  const stored = storedIn(answer.data)
  const holds = stored !== undefined && isSame(stored, policyText(document, stamp, features.policyExpiration), stamp, features)
  const observed = stored ? (holds ? 'stored as written' : 'stored, but not as written') : `${answer.status}, not there`
  return { artefact: `policy ${name}`, holds, observed, requestId: answer.requestId, at: answer.at }
}

export async function policyGone(send: Send, name: string): Promise<Evidence> {
  const { status, requestId, at } = await send(getPolicy(name))
  const holds = status === 404
  return { artefact: `policy ${name}`, holds, observed: holds ? '404, not there' : `${status}, still there`, requestId, at }
}

async function readPolicy(send: Send, name: string): Promise<Stored | undefined> {
  return storedIn((await send(getPolicy(name))).data)
}

function getPolicy(name: string): VaultCall {
  return { method: 'GET', path: ['sys/policies/acl', name], accept: [404], repeatable: true }
}

function storedIn(data: Readonly<Record<string, unknown>>): Stored | undefined {
  const { policy, version, expiration } = data
  if (typeof policy !== 'string') return undefined
  return {
    text: policy,
    version: typeof version === 'number' ? version : undefined,
    expiration: typeof expiration === 'string' ? expiration : undefined,
  }
}

function isOurs(stored: Stored, stamp: Omit<PolicyStamp, 'until'>): boolean {
  const found = parsePolicyComment(stored.text)
  return found?.runId === stamp.runId && found.instance === stamp.instance
}

function isSame(stored: Stored, text: string, stamp: PolicyStamp, features: VaultFeatures): boolean {
  const end = stored.expiration && Date.parse(stored.expiration)
  return stored.text === text && (!features.policyExpiration || end === Date.parse(policyEnd(stamp.until)))
}
