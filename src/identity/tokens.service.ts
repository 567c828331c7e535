import { Injectable } from '@nestjs/common'
import { record } from '../audit/record.ts'
import type { Page } from '../contract/common.ts'
import { id } from '../contract/id.ts'
import type { MintedToken, NewToken, TokenQuery, TokenView } from '../contract/identity.ts'
import { type CursorKind, Cursors } from '../platform/cursors.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { BrokerError } from '../sdk/index.ts'
import type { ApiToken } from './api-token.ts'
import { type Caller, isAdmin } from './caller.ts'
import { Directory } from './directory.ts'
import { mintToken } from './mint-token.ts'

// Newest first; ids begin with their time.
const TOKENS: CursorKind<string> = { list: 'tokens', position: id('tok') }

@Injectable()
export class TokensService {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly directory: Directory,
  ) {}

  /** The caller's own, unless an admin asks for somebody else's. */
  async list(caller: Caller, { limit, cursor, userId = caller.id }: TokenQuery): Promise<Page<TokenView>> {
    onlyAdminsFor(caller, userId)
    const found = await rows<ApiToken>(
      this.database.pool,
      `select id, user_id as "userId", name, scopes, created_at as "createdAt", expires_at as "expiresAt",
         revoked_at as "revokedAt", last_used_at as "lastUsedAt"
       from api_tokens where user_id = $1 and ($2::text is null or id < $2) order by id desc limit $3`,
      [userId, this.cursors.read(TOKENS, cursor) ?? null, limit + 1],
    )
    return this.cursors.page(TOKENS, found, limit, (one) => one.id, viewOf)
  }

  async create(caller: Caller, { name, scopes, expiresInSeconds, userId = caller.id }: NewToken): Promise<MintedToken> {
    onlyAdminsFor(caller, userId)
    const missing = scopes.filter((scope) => !caller.scopes.includes(scope))
    if (missing.length > 0) {
      throw new BrokerError('auth.forbidden', `a token cannot give what yours lacks: ${missing.join(', ')}`, { field: 'scopes' })
    }
    return this.database.transaction(async (tx) => {
      await this.mustBeActive(tx, userId)
      // Who made the token this one is made with may have both in hand.
      const makers = [...new Set([...caller.tokenMakers, caller.id])]
      const { token, kept } = await mintToken(tx, { userId, name, scopes, seconds: expiresInSeconds, by: caller.id, makers })
      return { ...viewOf(kept), token: token.reveal() }
    })
  }

  /** A token of somebody else's is as good as absent, unless the caller is an admin. Revoking twice is revoking once. */
  async revoke(caller: Caller, tokenId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const token = await row<Pick<ApiToken, 'userId' | 'revokedAt'>>(
        tx,
        'select user_id as "userId", revoked_at as "revokedAt" from api_tokens where id = $1 for update',
        [tokenId],
      )
      if (!token || (token.userId !== caller.id && !isAdmin(caller))) {
        throw new BrokerError('not_found', 'there is no such token, or it is not yours')
      }
      if (token.revokedAt) return
      await rows(tx, 'update api_tokens set revoked_at = now() where id = $1', [tokenId])
      await record(tx, { kind: 'token.revoked', actor: caller.id, subject: tokenId, data: { userId: token.userId } })
    })
  }

  private async mustBeActive(tx: Tx, userId: string): Promise<void> {
    await rows(tx, 'select id from users where id = $1 for share', [userId])
    const person = await this.directory.member(userId, tx)
    if (person?.state !== 'active') {
      throw new BrokerError('not_found', 'there is no such active person', { field: 'userId' })
    }
  }
}

function onlyAdminsFor(caller: Caller, userId: string): void {
  if (userId === caller.id || isAdmin(caller)) return
  throw new BrokerError('auth.forbidden', 'only an admin handles tokens of somebody else', { field: 'userId' })
}

function viewOf(token: Omit<ApiToken, 'hash'>): TokenView {
  return {
    id: token.id,
    userId: token.userId,
    name: token.name,
    scopes: token.scopes,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  }
}
