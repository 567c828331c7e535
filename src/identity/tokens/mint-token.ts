import { record } from '../../audit/record.ts'
import type { Scope } from '../../contract/identity.ts'
import { newId } from '../../platform/ids.ts'
import { row, type Tx } from '../../platform/postgres/database.ts'
import type { Secret } from '../../sdk/index.ts'
import { type ApiToken, hashOf, randomToken } from './api-token.ts'

/** What takes a minute at somebody's open browser must not last for a year. */
export const MADE_SIGNED_IN_SECONDS = 90 * 24 * 3600

export interface Wish {
  readonly userId: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly seconds: number
  /** `usr_…` or the broker */
  readonly by: string
  /** who may have it in hand besides its person */
  readonly makers: readonly string[]
  /** the token it is made with, which the transaction holds: it ends when that one does */
  readonly parentId?: string | null
  /** made by somebody else than its person */
  readonly delegated?: boolean
}

export const TOKEN_COLUMNS = `id, user_id as "userId", name, scopes, created_by as "createdBy", parent_id as "parentId", delegated,
  created_at as "createdAt", expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"`

/** Makes a token and forgets it: only the answer has it. */
export async function mintToken(tx: Tx, wish: Wish): Promise<{ token: Secret; kept: Omit<ApiToken, 'hash'> }> {
  const { userId, name, scopes, seconds, by, makers, parentId = null, delegated = false } = wish
  const token = randomToken()
  const id = newId('tok')
  const kept = await row<ApiToken>(
    tx,
    `insert into api_tokens (id, user_id, name, hash, scopes, created_by, makers, parent_id, delegated, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
       least(now() + make_interval(secs => $10), (select p.expires_at from api_tokens p where p.id = $8)))
     returning ${TOKEN_COLUMNS}`,
    [id, userId, name, hashOf(token.reveal()), scopes, by, makers, parentId, delegated, seconds],
  )
  await record(tx, {
    kind: 'token.created',
    actor: by,
    subject: id,
    data: { userId, name, scopes, expiresAt: kept!.expiresAt.toISOString(), ...(parentId && { parentId }) },
  })
  return { token, kept: kept! }
}
