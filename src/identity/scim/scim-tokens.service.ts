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
import { revokeScimLine, SEEN_BY_LEAVERS } from '../directory/scim-tokens-in-hand.ts'
import { holdPeople, mustBeHere } from '../tokens/hold.ts'

/** A token that was told to somebody and is not kept yet. */
interface Made {
  readonly hash: string
  /** who has seen it: it was told to the last of them, who may have been any of the others */
  readonly makers: readonly string[]
  /** the token of an admin that it was made with */
  readonly parentId: string | null
}

interface Before {
  readonly id: string
  readonly makers: readonly string[]
}

interface Row {
  readonly id: Id<'sct'>
  readonly name: string
  readonly createdBy: Id<'usr'> | null
  readonly parentId: Id<'tok'> | null
  readonly makerLeft: boolean
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

// Newest first; ids begin with their time.
const TOKENS: CursorKind<string> = { list: 'scim-tokens', position: id('sct') }

/** of `t` */
const COLUMNS = `t.id, t.name, t.created_by as "createdBy", t.parent_id as "parentId", t.created_at as "createdAt", t.expires_at as "expiresAt",
  t.revoked_at as "revokedAt", t.last_used_at as "lastUsedAt", ${SEEN_BY_LEAVERS} as "makerLeft"`

@Injectable()
export class ScimTokens {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  async list({ limit, cursor }: ScimTokenQuery): Promise<Page<ScimTokenView>> {
    const found = await rows<Row>(
      this.database.pool,
      `select ${COLUMNS} from scim_tokens t where $1::text is null or id < $1 order by id desc limit $2`,
      [this.cursors.read(TOKENS, cursor) ?? null, limit + 1],
    )
    return this.cursors.page(TOKENS, found, limit, (one) => one.id, viewOf)
  }

  /** One that works; locked until the transaction ends. */
  async live(tx: Tx, tokenId: string): Promise<ScimTokenView & { readonly makers: readonly string[] }> {
    const found = await row<Row & { makers: string[] }>(
      tx,
      `select ${COLUMNS}, t.makers from scim_tokens t where id = $1 and revoked_at is null and expires_at > now() for update of t`,
      [tokenId],
    )
    if (!found)
      throw new BrokerError('not_found', 'there is no such SCIM token, or it no longer works', { fix: 'make a new one' })
    return { ...viewOf(found), makers: found.makers }
  }

  /** It expires with the token it is made with at the latest, and is not made when that one has ended. */
  async keep(
    tx: Tx,
    by: string,
    { name, expiresInSeconds, hash, makers, parentId }: NewScimToken & Made,
    before?: Before,
  ): Promise<ScimTokenView> {
    await holdPeople(tx, makers)
    await mustBeHere(tx, by)
    await mustHold(tx, parentId)
    const kept = await row<Row>(
      tx,
      `insert into scim_tokens as t (id, name, hash, created_by, makers, told_to, parent_id, rotated_from, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8,
         least(now() + make_interval(secs => $9), (select p.expires_at from api_tokens p where p.id = $7)))
       returning ${COLUMNS}`,
      [
        newId('sct'),
        name,
        hash,
        by,
        [...new Set([...(before?.makers ?? []), ...makers])],
        makers,
        parentId,
        before?.id ?? null,
        expiresInSeconds,
      ],
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
    return this.keep(tx, by, { ...made, name }, { id: tokenId, makers })
  }

  /** With those it was rotated into and from. Revoking twice is revoking once. */
  async revoke(caller: Caller, tokenId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const token = await row(tx, 'select from scim_tokens where id = $1 for update', [tokenId])
      if (!token) throw new BrokerError('not_found', 'there is no such SCIM token')
      await revokeScimLine(tx, caller.id, tokenId)
    })
  }
}

async function mustHold(tx: Tx, parentId: string | null): Promise<void> {
  if (parentId === null) return
  const held = await row(tx, 'select from api_tokens where id = $1 and revoked_at is null and expires_at > now() for share', [
    parentId,
  ])
  if (held) return
  throw new BrokerError('conflict', 'the token with which this was proposed has ended', { fix: 'propose it again' })
}

function viewOf(token: Row): ScimTokenView {
  return {
    id: token.id,
    name: token.name,
    createdBy: token.createdBy,
    parentId: token.parentId,
    makerLeft: token.makerLeft,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  }
}
