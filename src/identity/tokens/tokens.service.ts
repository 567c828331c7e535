import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import { id } from '../../contract/id.ts'
import { DELEGATED_SCOPES, type MintedToken, type NewToken, type TokenQuery, type TokenView } from '../../contract/identity.ts'
import type { Page } from '../../contract/lists.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type Caller, isAdmin, mustManage } from '../callers/caller.ts'
import { signsIn } from '../directory/signs-in.ts'
import type { ApiToken } from './api-token.ts'
import { holdPeople, holdToken, mustBeHere } from './hold.ts'
import { MADE_SIGNED_IN_SECONDS, mintToken, TOKEN_COLUMNS } from './mint-token.ts'
import { revokeTokens } from './revoke-tokens.ts'

// Newest first; ids begin with their time.
const TOKENS: CursorKind<string> = { list: 'tokens', position: id('tok') }

@Injectable()
export class TokensService {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The caller's own, unless an admin asks for somebody else's. */
  async list(caller: Caller, { limit, cursor, userId = caller.id }: TokenQuery): Promise<Page<TokenView>> {
    onlyAdminsFor(caller, userId)
    const found = await rows<ApiToken>(
      this.database.pool,
      `select ${TOKEN_COLUMNS} from api_tokens
       where user_id = $1 and ($2::text is null or id < $2) order by id desc limit $3`,
      [userId, this.cursors.read(TOKENS, cursor) ?? null, limit + 1],
    )
    return this.cursors.page(TOKENS, found, limit, (one) => one.id, viewOf)
  }

  /** It gives no scope that the caller came without, and ends when what they came with does. */
  async create(caller: Caller, { name, scopes, expiresInSeconds, userId = caller.id }: NewToken): Promise<MintedToken> {
    onlyAdminsFor(caller, userId)
    const missing = scopes.filter((scope) => !caller.scopes.includes(scope))
    if (missing.length > 0) {
      throw new BrokerError('auth.forbidden', `a token cannot have scopes that yours does not have: ${missing.join(', ')}`, {
        field: 'scopes',
      })
    }
    const delegated = userId !== caller.id
    if (delegated) onlyReadsAndAsks(scopes)
    // Who made the token this one is made with may have both in hand.
    const makers = [...new Set([...caller.tokenMakers, caller.id])]
    return this.database.transaction(async (tx) => {
      await holdPeople(tx, [...makers, userId])
      await mustBeHere(tx, caller.id)
      await this.mustTake(tx, userId, delegated)
      await holdToken(tx, caller.tokenId)
      const { token, kept } = await mintToken(tx, {
        userId,
        name,
        scopes,
        seconds: caller.tokenId === null ? Math.min(expiresInSeconds, MADE_SIGNED_IN_SECONDS) : expiresInSeconds,
        by: caller.id,
        makers,
        parentId: caller.tokenId,
        delegated,
      })
      return { ...viewOf(kept), token: token.reveal() }
    })
  }

  /** A token of somebody else's is as good as absent, unless the caller is an admin who may manage. Revoking twice is revoking once. */
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
      if (token.userId !== caller.id) mustManage(caller)
      await revokeTokens(tx, caller.id, { tokenId })
    })
  }

  private async mustTake(tx: Tx, userId: string, delegated: boolean): Promise<void> {
    const person = await row<{ name: string; signsIn: boolean }>(
      tx,
      `select u.name, ${signsIn(this.config)} as "signsIn" from users u where u.id = $1 and u.state = 'active' for share`,
      [userId],
    )
    if (!person) throw new BrokerError('not_found', 'there is no such active person', { field: 'userId' })
    if (!delegated || !person.signsIn) return
    throw new BrokerError('conflict', `${person.name} signs in at the identity provider: only they make tokens for themselves`, {
      field: 'userId',
      fix: 'ask them to sign in and to make it themselves',
    })
  }
}

function onlyReadsAndAsks(scopes: readonly string[]): void {
  const more = scopes.filter((scope) => !DELEGATED_SCOPES.some((one) => one === scope))
  if (more.length === 0) return
  throw new BrokerError('auth.forbidden', `a token that you make for another person cannot have the scopes ${more.join(', ')}`, {
    field: 'scopes',
    fix: 'ask them to make it themselves, signed in or with an enrolment code',
  })
}

function onlyAdminsFor(caller: Caller, userId: string): void {
  if (userId === caller.id || isAdmin(caller)) return
  throw new BrokerError('auth.forbidden', 'only an admin may make or revoke tokens of other people', { field: 'userId' })
}

export function viewOf(token: Omit<ApiToken, 'hash'>): TokenView {
  return {
    id: token.id,
    userId: token.userId,
    name: token.name,
    scopes: token.scopes,
    createdBy: token.createdBy,
    parentId: token.parentId,
    delegated: token.delegated,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  }
}
