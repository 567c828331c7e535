import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Page } from '../../contract/common.ts'
import { type Id, id } from '../../contract/id.ts'
import type { MintedScimToken, NewScimToken, ScimTokenQuery, ScimTokenRotation, ScimTokenView } from '../../contract/scim.ts'
import { type CursorKind, Cursors } from '../../platform/cursors.ts'
import { Database, row, rows, type Tx } from '../../platform/database.ts'
import { newId } from '../../platform/ids.ts'
import { BrokerError } from '../../sdk/index.ts'
import { hashOf, randomToken } from '../api-token.ts'
import type { Caller } from '../caller.ts'

interface Row {
  readonly id: Id<'sct'>
  readonly name: string
  readonly createdBy: Id<'usr'> | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

const COLUMNS = `id, name, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
  revoked_at as "revokedAt", last_used_at as "lastUsedAt"`

// Newest first; ids begin with their time.
const TOKENS: CursorKind<string> = { list: 'scim-tokens', position: id('sct') }

@Injectable()
export class ScimTokens {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  async list({ limit, cursor }: ScimTokenQuery): Promise<Page<ScimTokenView>> {
    const found = await rows<Row>(
      this.database.pool,
      `select ${COLUMNS} from scim_tokens where $1::text is null or id < $1 order by id desc limit $2`,
      [this.cursors.read(TOKENS, cursor) ?? null, limit + 1],
    )
    return this.cursors.page(TOKENS, found, limit, (one) => one.id, viewOf)
  }

  create(caller: Caller, wish: NewScimToken): Promise<MintedScimToken> {
    return this.database.transaction((tx) => this.mint(tx, caller, wish))
  }

  /** A new token of the same name. The old one works on for a while, so that whoever uses it can change over. */
  rotate(caller: Caller, tokenId: string, { expiresInSeconds, overlapSeconds }: ScimTokenRotation): Promise<MintedScimToken> {
    return this.database.transaction(async (tx) => {
      const old = await row<{ name: string; makers: string[]; expiresAt: Date }>(
        tx,
        `update scim_tokens set expires_at = least(expires_at, now() + make_interval(secs => $2))
         where id = $1 and revoked_at is null and expires_at > now() returning name, makers, expires_at as "expiresAt"`,
        [tokenId, overlapSeconds],
      )
      if (!old) throw new BrokerError('not_found', 'there is no such SCIM token that works', { fix: 'make a new one' })
      const data = { name: old.name, worksUntil: old.expiresAt.toISOString() }
      await record(tx, { kind: 'scim_token.rotated', actor: caller.id, subject: tokenId, data })
      return this.mint(tx, caller, { name: old.name, expiresInSeconds }, old.makers)
    })
  }

  /** Revoking twice is revoking once. */
  async revoke(caller: Caller, tokenId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const token = await row<Row>(tx, `select ${COLUMNS} from scim_tokens where id = $1 for update`, [tokenId])
      if (!token) throw new BrokerError('not_found', 'there is no such SCIM token')
      if (token.revokedAt) return
      await rows(tx, 'update scim_tokens set revoked_at = now() where id = $1', [tokenId])
      await record(tx, { kind: 'scim_token.revoked', actor: caller.id, subject: tokenId, data: { name: token.name } })
    })
  }

  private async mint(
    tx: Tx,
    caller: Caller,
    { name, expiresInSeconds }: NewScimToken,
    before: readonly string[] = [],
  ): Promise<MintedScimToken> {
    const makers = [...new Set([...before, ...caller.tokenMakers, caller.id])]
    const token = randomToken('lks')
    const kept = await row<Row>(
      tx,
      `insert into scim_tokens (id, name, hash, created_by, makers, expires_at)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) returning ${COLUMNS}`,
      [newId('sct'), name, hashOf(token.reveal()), caller.id, makers, expiresInSeconds],
    )
    const view = viewOf(kept!)
    await record(tx, {
      kind: 'scim_token.created',
      actor: caller.id,
      subject: view.id,
      data: { name, expiresAt: view.expiresAt },
    })
    return { ...view, token: token.reveal() }
  }
}

function viewOf(token: Row): ScimTokenView {
  return {
    id: token.id,
    name: token.name,
    createdBy: token.createdBy,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  }
}
