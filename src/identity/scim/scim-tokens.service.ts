import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { type Id, id } from '../../contract/id.ts'
import type { Page } from '../../contract/lists.ts'
import type { NewScimToken, ScimTokenQuery, ScimTokenRotation, ScimTokenView } from '../../contract/scim-tokens.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from '../callers/caller.ts'

/** A token that was told to somebody and is not kept yet. */
interface Made {
  readonly hash: string
  readonly makers: readonly string[]
}

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

  /** One that works; locked until the transaction ends. */
  async live(tx: Pick<Tx, 'query'>, tokenId: string): Promise<ScimTokenView & { readonly makers: readonly string[] }> {
    const found = await row<Row & { makers: string[] }>(
      tx,
      `select ${COLUMNS}, makers from scim_tokens where id = $1 and revoked_at is null and expires_at > now() for update`,
      [tokenId],
    )
    if (!found) throw new BrokerError('not_found', 'there is no such SCIM token that works', { fix: 'make a new one' })
    return { ...viewOf(found), makers: found.makers }
  }

  async keep(tx: Tx, by: string, { name, expiresInSeconds, hash, makers }: NewScimToken & Made): Promise<ScimTokenView> {
    const kept = await row<Row>(
      tx,
      `insert into scim_tokens (id, name, hash, created_by, makers, expires_at)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) returning ${COLUMNS}`,
      [newId('sct'), name, hash, by, makers, expiresInSeconds],
    )
    const view = viewOf(kept!)
    await record(tx, { kind: 'scim_token.created', actor: by, subject: view.id, data: { name, expiresAt: view.expiresAt } })
    return view
  }

  /** A new token of the same name, in the hands of who made the old one as well. */
  async replace(
    tx: Tx,
    by: string,
    tokenId: string,
    { overlapSeconds, ...made }: ScimTokenRotation & Made,
  ): Promise<ScimTokenView> {
    const { name, makers } = await this.live(tx, tokenId)
    const old = await row<{ expiresAt: Date }>(
      tx,
      `update scim_tokens set expires_at = least(expires_at, now() + make_interval(secs => $2)) where id = $1
       returning expires_at as "expiresAt"`,
      [tokenId, overlapSeconds],
    )
    const data = { name, worksUntil: old!.expiresAt.toISOString() }
    await record(tx, { kind: 'scim_token.rotated', actor: by, subject: tokenId, data })
    return this.keep(tx, by, { ...made, name, makers: [...new Set([...makers, ...made.makers])] })
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
