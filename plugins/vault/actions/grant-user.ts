import { randomBytes } from 'node:crypto'
import { hash } from '@node-rs/bcrypt'
import { BrokerError, type Evidence, Secret } from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultFeatures } from '../client/client.ts'
import { readMounts } from '../mounts.ts'
import { isAbsent, type Send } from '../send.ts'

/** A user of the dedicated mount and the one policy it may hold. */
export interface GrantUser {
  /** under `auth/`, no slashes at its ends */
  readonly mount: string
  readonly username: string
  readonly policy: string
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

/** Ends every token that this user's logins gave, an unopened one included. */
export async function revokeLogins(send: Send, user: Pick<GrantUser, 'mount' | 'username'>): Promise<void> {
  await send({
    method: 'POST',
    path: ['sys/leases/revoke-prefix/auth', user.mount, 'login', user.username],
    body: { sync: true },
    repeatable: true,
  })
}

/** The leases that this user's logins left: one for each live token. */
export function listLogins(send: Send, user: Pick<GrantUser, 'mount' | 'username'>): Promise<VaultAnswer> {
  return send({
    method: 'GET',
    path: ['sys/leases/lookup/auth', user.mount, 'login', user.username],
    list: true,
    accept: [404],
    repeatable: true,
  })
}

/** The user first, so that nobody logs in while the rest goes. What is left confers nothing: the policy went before. */
export async function removeUser(
  send: Send,
  user: Pick<GrantUser, 'mount' | 'username'>,
  accessor: () => Promise<string>,
): Promise<void> {
  await send({ method: 'DELETE', path: ['auth', user.mount, 'users', user.username], repeatable: true })
  await Promise.all([revokeLogins(send, user), removeEntity(send, user.username, accessor)])
}

export async function userStands(send: Send, user: GrantUser): Promise<Evidence> {
  const { status, data, requestId, at } = await send(getUser(user))
  const policies = data['token_policies']
  const holds = Array.isArray(policies) && policies.length === 1 && policies[0] === user.policy
  const observed = holds ? `stored, with the policy ${user.policy} alone` : `${status}, not as written`
  return { artefact: `user ${user.username}`, holds, observed, requestId, at }
}

/** That the user, their tokens and what their logins left in the identity store are gone. */
export async function userGone(
  send: Send,
  user: Pick<GrantUser, 'mount' | 'username'>,
  accessor: () => Promise<string>,
): Promise<Evidence[]> {
  const [account, tokens, entity] = await Promise.all([
    send(getUser(user)),
    listLogins(send, user),
    lookUpEntity(send, user.username, accessor),
  ])
  return [
    gone(`user ${user.username}`, account, isAbsent(account)),
    gone(`tokens of ${user.username}`, tokens, isAbsent(tokens)),
    gone(`identity entity of ${user.username}`, entity, entity.status === 204),
  ]
}

const accessors = new WeakMap<object, Map<string, string>>()

/** The mount's accessor, by which the identity store knows it. Kept for the life of the client. */
export async function mountAccessor(client: object, send: Send, mount: string): Promise<string> {
  const known = accessors.get(client) ?? new Map<string, string>()
  accessors.set(client, known)
  const accessor = known.get(mount) ?? (await readMounts(send)).auth.get(mount)
  if (accessor === undefined) {
    throw new BrokerError('target.not_found', `there is no mount auth/${mount} that the broker may use`, {
      fix: `enable it: vault auth enable -path=${mount} userpass`,
    })
  }
  known.set(mount, accessor)
  return accessor
}

/** Every first login makes an entity that nothing else removes. One that a person was merged into is theirs, and stays. */
async function removeEntity(send: Send, username: string, accessor: () => Promise<string>): Promise<void> {
  const { data } = await lookUpEntity(send, username, accessor)
  const { id, aliases } = data
  if (typeof id !== 'string' || !Array.isArray(aliases) || aliases.length !== 1) return
  await send({ method: 'DELETE', path: ['identity/entity/id', id], repeatable: true })
}

async function lookUpEntity(send: Send, username: string, accessor: () => Promise<string>) {
  const alias = { alias_name: username, alias_mount_accessor: await accessor() }
  return send({
    method: 'POST',
    path: ['identity/lookup/entity'],
    body: alias,
    repeatable: true,
  })
}

function getUser(user: Pick<GrantUser, 'mount' | 'username'>) {
  return { method: 'GET', path: ['auth', user.mount, 'users', user.username], accept: [404], repeatable: true } as const
}

function gone(artefact: string, answer: VaultAnswer, holds: boolean): Evidence {
  const observed = holds ? `${answer.status}, not there` : `${answer.status}, ${answer.errors.join('; ') || 'still there'}`
  return { artefact, holds, observed, requestId: answer.requestId, at: answer.at }
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
