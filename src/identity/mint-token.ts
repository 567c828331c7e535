import { record } from '../audit/record.ts'
import type { Scope } from '../contract/identity.ts'
import { row, type Tx } from '../platform/database.ts'
import { newId } from '../platform/ids.ts'
import type { Secret } from '../sdk/index.ts'
import { type ApiToken, hashOf, randomToken } from './api-token.ts'

export interface Wish {
  readonly userId: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly seconds: number
  /** `usr_…` or the broker */
  readonly by: string
  /** who may have it in hand besides its person */
  readonly makers: readonly string[]
}

/** Makes a token and forgets it: only the answer has it. */
export async function mintToken(tx: Pick<Tx, 'query'>, wish: Wish): Promise<{ token: Secret; kept: Omit<ApiToken, 'hash'> }> {
  const token = randomToken()
  const id = newId('tok')
  const kept = await row<ApiToken>(
    tx,
    `insert into api_tokens (id, user_id, name, hash, scopes, created_by, makers, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
     returning id, user_id as "userId", name, scopes, created_by as "createdBy", created_at as "createdAt",
       expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"`,
    [id, wish.userId, wish.name, hashOf(token.reveal()), wish.scopes, wish.by, wish.makers, wish.seconds],
  )
  await record(tx, {
    kind: 'token.created',
    actor: wish.by,
    subject: id,
    data: { userId: wish.userId, name: wish.name, scopes: wish.scopes, expiresAt: kept!.expiresAt.toISOString() },
  })
  return { token, kept: kept! }
}
