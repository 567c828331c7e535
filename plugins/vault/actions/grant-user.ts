import { randomBytes } from 'node:crypto'
import { hash } from '@node-rs/bcrypt'
import { type Evidence, Secret } from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from '../../../vault/index.ts'
import type { VaultFeatures } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import type { Send } from '../send.ts'
import { differencesOf } from '../stored-user.ts'
import { type AliasOwner, accessorsOf, aliasGone, removeAlias } from './grant-identity.ts'
import { type Looking, lastLook } from './looking.ts'

/** A user of the dedicated mount and the one policy it may hold. */
export interface GrantUser {
  /** under `auth/`, no slashes at its ends */
  readonly mount: string
  readonly username: string
  readonly policy: string
  /** of the mount, when the grant was planned */
  readonly accessor?: string
}

// With 256 random bits nothing is gained by a slow hash, and logins are cheap at the lowest cost the servers take.
const BCRYPT_COST = 5

let forgotten: Promise<Secret> | undefined

export function freshPassword(): Secret {
  return new Secret(randomBytes(32).toString('base64url'))
}

/** Writes the user whole. Without a password, one that nobody knows: the user is there and nobody can log in. */
export async function writeUser(
  send: Send,
  user: GrantUser,
  ttlSeconds: number,
  features: VaultFeatures,
  password?: Secret,
): Promise<void> {
  await send({
    method: 'POST',
    path: ['auth', user.mount, 'users', user.username],
    body: {
      ...(await passwordFields(features, password)),
      // One policy, as text: the broker's own policy refuses lists, and a comma would name a second one.
      token_policies: user.policy,
      token_no_default_policy: true,
      token_ttl: ttlSeconds,
      token_max_ttl: ttlSeconds,
      token_explicit_max_ttl: ttlSeconds,
      token_type: 'service',
    },
    repeatable: true,
  })
}

/** Ends every token that this user's logins gave, an unopened one included; with a lease, the one token it stands for. */
export async function revokeLogins(send: Send, user: Pick<GrantUser, 'mount' | 'username'>, lease?: string): Promise<void> {
  await send({
    method: 'POST',
    path: ['sys/leases/revoke-prefix/auth', user.mount, 'login', user.username, ...(lease ? [lease] : [])],
    body: { sync: true },
    repeatable: true,
  })
}

/** The leases that this user's logins left: one for each live token. */
export function listLogins(send: Send, user: Pick<GrantUser, 'mount' | 'username'>): Promise<VaultAnswer> {
  return send(loginsOf(user))
}

/** The user first, so that nobody logs in while the rest goes. What is left confers nothing: the policy went before. */
export async function removeUser(send: Send, user: AliasOwner): Promise<void> {
  await deleteUser(send, user)
  await Promise.all([revokeLogins(send, user), removeAlias(send, user)])
}

/** A user with no power from the first, found again by its name alone: what its login left goes first, and it itself last. */
export async function removeProbeUser(send: Send, user: AliasOwner): Promise<void> {
  await Promise.all([revokeLogins(send, user), removeAlias(send, user)])
  await deleteUser(send, user)
}

/** Whether the user is as it was written, as far as a server tells; `mostSeconds` is the longest that a token of it may live. */
export async function userStands(send: Send, user: GrantUser, mostSeconds: number | undefined): Promise<Evidence> {
  const answer = await send(getUser(user))
  const differing =
    answer.status === 404 ? [answer.errors.join('; ') || 'not there'] : differencesOf(answer.data, user.policy, mostSeconds)
  const holds = differing.length === 0
  const observed = holds ? `stored, with the policy ${user.policy} alone` : `${answer.status}, ${differing.join('; ')}`
  return evidenceOf(`user ${user.username}`, holds, lookOf(getUser(user), answer, observed))
}

/** That the user, their tokens and what their logins left in the identity store are gone. */
export async function userGone(looking: Looking, user: AliasOwner): Promise<Evidence[]> {
  const { mount, username } = user
  const accessors = await accessorsOf(looking.send, user)
  const [now = '', then] = accessors
  const look = lastLook(looking, `user ${username}`, getUser(user), ['auth', mount, 'users'], username)
  return Promise.all([
    then === undefined ? look : look.then((evidence) => ofAnotherMount(evidence, mount, now, then)),
    lastLook(looking, `tokens of ${username}`, loginsOf(user), ['sys/leases/lookup/auth', mount, 'login'], username),
    aliasGone(looking.send, user, accessors, looking.audited),
  ])
}

/** What is not in this mount says nothing of the one that the user was made in. */
function ofAnotherMount(evidence: Evidence, mount: string, now: string, then: string): Evidence {
  if (!evidence.holds) return evidence
  return {
    ...evidence,
    holds: false,
    observed: `${evidence.observed}, but auth/${mount} is ${now} now, and the user was made in ${then}`,
    mayStay: `auth/${mount} is not the mount in which the user was made. If that mount was disabled, the user is gone. If it was moved, the user still exists but gives no access, because its policy is gone. Check whether ${then} is there (vault auth list), and remove the user`,
  }
}

async function deleteUser(send: Send, { mount, username }: Pick<GrantUser, 'mount' | 'username'>): Promise<void> {
  await send({ method: 'DELETE', path: ['auth', mount, 'users', username], repeatable: true })
}

function getUser({ mount, username }: Pick<GrantUser, 'mount' | 'username'>): VaultCall {
  return { method: 'GET', path: ['auth', mount, 'users', username], accept: [404], repeatable: true }
}

function loginsOf({ mount, username }: Pick<GrantUser, 'mount' | 'username'>): VaultCall {
  return {
    method: 'GET',
    path: ['sys/leases/lookup/auth', mount, 'login', username],
    list: true,
    accept: [404],
    repeatable: true,
  }
}

async function passwordFields(features: VaultFeatures, password: Secret | undefined) {
  if (!features.passwordHash) return { password: password ?? freshPassword() }
  // Nobody knows the forgotten one, so one for all is as good as one for each, and a thousand grants cost one hash.
  forgotten ??= hashOf(freshPassword())
  return { password_hash: await (password ? hashOf(password) : forgotten) }
}

async function hashOf(password: Secret): Promise<Secret> {
  return new Secret(await hash(password.reveal(), BCRYPT_COST))
}
