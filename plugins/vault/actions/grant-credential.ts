import { z } from 'zod'
import { BrokerError, type Credential, type CredentialState, isBrokerError, type Json, Secret } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { VaultFeatures, VaultSettings } from '../client.ts'
import { readMounts } from '../mounts.ts'
import type { PolicyDocument } from '../policy.ts'
import type { Send } from '../send.ts'
import { batchTokens, lockedOut, whatHindersLogins } from './grant-login.ts'
import { passwordUsage, tokenUsage } from './grant-usage.ts'
import { freshPassword, type GrantUser, listLogins, revokeLogins, writeUser } from './grant-user.ts'

/** What minting needs to know of a provisioned grant. */
export interface Mint {
  readonly send: Send
  readonly settings: VaultSettings
  readonly features: VaultFeatures
  readonly user: GrantUser
  readonly document: PolicyDocument
  readonly until: Date
  /** milliseconds until then by the clock that decides */
  readonly msLeft: () => number
  /** whether what was minted before goes on to its own end */
  readonly keepFormer: boolean
}

const WrapInfo = z.object({
  token: z.string(),
  accessor: z.string(),
  ttl: z.number(),
  creation_time: z.string(),
  creation_path: z.string(),
  wrapped_accessor: z.string(),
})

const Trace = z.object({
  wrapAccessor: z.string(),
  tokenAccessor: z.string(),
  collectBy: z.string(),
})

// The time from choosing the TTL to the login that starts it. Whole seconds are lost to rounding anyway.
const HEADROOM_MS = 300
const ATTEMPTS = 3
// The token and its wrapping.
const LEASES_OF_ONE = 2

/** A token that the server itself ends in time, response-wrapped. Nobody can log in for another: its password is forgotten here. */
export async function mintToken(mint: Mint): Promise<Credential> {
  const former = mint.keepFormer ? await leasesOf(mint) : []
  let headroomMs = HEADROOM_MS
  mustBeLeft(secondsLeft(mint, headroomMs))
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const ttlSeconds = secondsLeft(mint, headroomMs)
    if (ttlSeconds < 1) break
    const wrap = await loginWrapped(mint, ttlSeconds)
    const [endsAt] = await Promise.all([endOf(mint, wrap.wrapped_accessor), refuseOthers(mint, former)])
    if (endsAt <= mint.until) return tokenCredential(mint, wrap, endsAt)
    await revokeAllBut(mint, former)
    // The server's clock is ahead of the database's, or it was slow: the end is judged by the server's.
    // Whole seconds, or rounding would choose the same TTL again.
    headroomMs += Math.ceil((endsAt.getTime() - mint.until.getTime()) / 1000) * 1000
  }
  throw new BrokerError('target.unexpected', `the server does not end a token of ${mint.user.username} in time`, {
    fix: 'set the clocks of the server and of the broker’s database',
  })
}

/** A password to log in with as often as one likes, until the user goes. */
export async function mintPassword(mint: Mint): Promise<Credential> {
  await mustGiveServiceTokens(mint)
  const password = freshPassword()
  await replacePassword(mint, mustBeLeft(secondsLeft(mint, 0)), password)
  return {
    delivery: 'password',
    fields: [
      { name: 'username', label: 'User name', value: mint.user.username },
      { name: 'password', label: 'Password', value: password },
      { name: 'mount', label: 'Log in at', value: `auth/${mint.user.mount}` },
    ],
    ...passwordUsage(mint),
    endsAt: mint.until,
    trace: { deliveredAt: new Date().toISOString() },
  }
}

/** A batch token is in no list, so nobody could say at the end that there is none: what a login would give is asked before. */
async function mustGiveServiceTokens({ send, user: { mount } }: Mint): Promise<void> {
  const { tokenType } = (await readMounts(send)).auth.get(mount) ?? {}
  if (tokenType === 'batch') throw batchTokens(mount)
}

/** Looks without opening. A delivery void by age leaves a token behind that may or may not have been fetched in time. */
export async function stateOf(send: Send, json: Json): Promise<CredentialState> {
  const trace = Trace.safeParse(json)
  if (!trace.success) return 'unknown'
  const { wrapAccessor, tokenAccessor, collectBy } = trace.data
  const [wrap, token] = await Promise.all([lookUp(send, wrapAccessor), lookUp(send, tokenAccessor)])
  if (!isLive(token)) return 'ended'
  // A wrapping token that was used lingers for a while, marked so.
  if (wrap.status === 200 && wrap.data['num_uses'] === -1) return 'collected'
  if (isLive(wrap)) return 'waiting'
  return timeAtServer(token) < Date.parse(collectBy) ? 'collected' : 'unknown'
}

/** By the clock that `collectBy` was given by, less than a second late: the seconds left are whole ones. */
function timeAtServer({ data }: VaultAnswer): number {
  return Date.parse(String(data['expire_time'])) - Number(data['ttl']) * 1000
}

async function loginWrapped(mint: Mint, ttlSeconds: number): Promise<z.infer<typeof WrapInfo>> {
  const { send, user, settings } = mint
  const password = freshPassword()
  await replacePassword(mint, ttlSeconds, password)
  const path = ['auth', user.mount, 'login', user.username]
  const answer = await send({
    method: 'POST',
    path,
    token: 'none',
    body: { password },
    wrapTtlSeconds: Math.min(settings.wrapTtlSeconds, ttlSeconds),
    accept: [400, 403],
  }).catch(async (error: unknown) => {
    throw isBrokerError(error, 'target.unreachable') ? ((await hindrance(mint)) ?? error) : error
  })
  const { status, body, requestId } = answer
  if (status === 400) throw openedElsewhere(user)
  // The password is the one just written, and nothing else is refused so where another user gets in.
  if (status === 403) throw (await hindrance(mint)) ?? lockedOut(user)
  const wrap = WrapInfo.safeParse(body['wrap_info'])
  if (wrap.success && wrap.data.creation_path === path.join('/')) return wrap.data
  await revokeLogins(send, user)
  const unexpected = `logging in as ${user.username} was not answered with a wrapped token`
  throw (await hindrance(mint)) ?? new BrokerError('target.unexpected', unexpected, { requestId })
}

/** What keeps every user from logging in, not only this one. Undefined also where that cannot be found out now. */
function hindrance({ send, settings, features }: Mint): Promise<BrokerError | undefined> {
  return whatHindersLogins({ send, sendLast: send, settings, features }).catch((error: unknown) => {
    if (isBrokerError(error)) return undefined
    throw error
  })
}

/** First the password, then the tokens: the other way round, the old password could mint one in between. */
async function replacePassword({ send, user, features, keepFormer }: Mint, ttlSeconds: number, password: Secret): Promise<void> {
  await writeUser(send, user, ttlSeconds, features, password)
  if (!keepFormer) await revokeLogins(send, user)
}

async function leasesOf({ send, user }: Mint): Promise<string[]> {
  const { data } = await listLogins(send, user)
  return Array.isArray(data['keys']) ? data['keys'].filter((key) => typeof key === 'string') : []
}

async function revokeAllBut(mint: Mint, former: readonly string[]): Promise<void> {
  if (former.length === 0) return revokeLogins(mint.send, mint.user)
  for (const lease of await leasesOf(mint)) if (!former.includes(lease)) await revokeLogins(mint.send, mint.user, lease)
}

/** As the server says: a mount's max_lease_ttl may end a token sooner than it was asked to live. */
async function endOf({ send, user }: Mint, accessor: string): Promise<Date> {
  const { status, data, requestId } = await send({ ...accessorLookup(accessor), accept: [400] })
  if (status === 400) throw openedElsewhere(user)
  const { expire_time: end } = data
  if (typeof end === 'string' && !Number.isNaN(Date.parse(end))) return new Date(end)
  throw new BrokerError('target.unexpected', 'the server did not say when the token it gave will end', { requestId })
}

/** A login that was under way while the former tokens were cut may have escaped that. The last one sees both, and ends both. */
async function refuseOthers(mint: Mint, former: readonly string[]): Promise<void> {
  const fresh = (await leasesOf(mint)).filter((lease) => !former.includes(lease))
  if (fresh.length <= LEASES_OF_ONE) return
  await revokeAllBut(mint, former)
  throw openedElsewhere(mint.user)
}

/** Our password, or the token it gave, was replaced before we were done. What stands is the other one's. */
function openedElsewhere(user: GrantUser): BrokerError {
  return new BrokerError('conflict', `the credential of ${user.username} was opened twice at the same moment`, {
    fix: 'open it again; only the last credential works',
  })
}

function tokenCredential(mint: Mint, wrap: z.infer<typeof WrapInfo>, endsAt: Date): Credential {
  const collectBy = new Date(Date.parse(wrap.creation_time) + wrap.ttl * 1000)
  return {
    delivery: 'token',
    fields: [{ name: 'wrapping_token', label: 'Wrapping token', value: new Secret(wrap.token) }],
    ...tokenUsage(mint),
    endsAt,
    collectBy: collectBy < endsAt ? collectBy : endsAt, // what a mount ends sooner is no use to collect later
    trace: {
      wrapAccessor: wrap.accessor,
      tokenAccessor: wrap.wrapped_accessor,
      collectBy: collectBy.toISOString(),
      deliveredAt: new Date().toISOString(),
    },
  }
}

function secondsLeft({ msLeft }: Mint, headroomMs: number): number {
  return Math.floor((msLeft() - headroomMs) / 1000)
}

function mustBeLeft(seconds: number): number {
  if (seconds >= 1) return seconds
  throw new BrokerError('grant.ending', 'less than a second of the grant is left', { fix: 'ask for an extension' })
}

function lookUp(send: Send, accessor: string): Promise<VaultAnswer> {
  return send({ ...accessorLookup(accessor), accept: [400, 404] })
}

function accessorLookup(accessor: string) {
  return { method: 'POST', path: ['auth/token/lookup-accessor'], body: { accessor }, repeatable: true } as const
}

function isLive({ status, data }: VaultAnswer): boolean {
  return status === 200 && typeof data['ttl'] === 'number' && data['ttl'] > 0
}
