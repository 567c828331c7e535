import { Injectable } from '@nestjs/common'
import * as client from 'openid-client'
import { z } from 'zod'
import { enqueue } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { Secret } from '../../sdk/index.ts'

/** What the provider gave for a session: to ask it again, and to sign out there. */
export interface Kept {
  /** counts how often they were traded for newer ones */
  readonly version: number
  readonly accessToken: Secret
  readonly refreshToken: Secret | undefined
  readonly idToken: Secret | undefined
}

type Tokens = Pick<client.TokenEndpointResponse, 'access_token' | 'refresh_token' | 'id_token'> & {
  readonly refresh_expires_in?: unknown
}

/** `ours`: nobody else trades them for a while. `newer`: somebody has. `taken`: somebody does. */
export type Turn =
  | { readonly kind: 'ours' | 'newer'; readonly kept: Kept }
  | { readonly kind: 'taken' }
  | { readonly kind: 'gone' }

/** Longer than a provider may take to answer. */
const TURN_SECONDS = 20
/** A refresh token dies of idleness at many providers: one in use is traded after so long, or when half its life is over. */
const REFRESH_AFTER_SECONDS = 600

export const REVOKE_WORK = 'session.revoke'

const stored = z.object({ access: z.string(), refresh: z.string().optional(), id: z.string().optional() })
const placeOf = (sessionId: string) => ({ table: 'http_sessions', row: sessionId, column: 'sealed' })

/** Keeps the provider's tokens where only the broker can read them. */
@Injectable()
export class SessionTokens {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOf(String(id))
    columns.hold(
      { table: 'http_sessions', column: 'sealed', key: { sid: 'text' }, also: ['id'], place, lasting: false },
      { table: 'ended_sessions', column: 'sealed', key: { id: 'text' }, place, lasting: false },
    )
  }

  seal(sessionId: string, tokens: Tokens): string {
    const { access_token: access, refresh_token: refresh, id_token: id } = tokens
    return this.sealer.seal(JSON.stringify({ access, refresh, id }), placeOf(sessionId))
  }

  async read(sessionId: string): Promise<Kept | undefined> {
    const found = await row<{ sealed: string | null; version: number }>(
      this.database.pool,
      'select sealed, tokens_version as version from http_sessions where id = $1',
      [sessionId],
    )
    return found?.sealed ? this.opened(sessionId, found.sealed, found.version) : undefined
  }

  /** Before a refresh token is spent: of all replicas, one at a time spends it. */
  async takeTurn(sessionId: string, version: number): Promise<Turn> {
    const taken = await row(
      this.database.pool,
      `update http_sessions set refreshing_until = now() + make_interval(secs => $3)
       where id = $1 and tokens_version = $2 and (refreshing_until is null or refreshing_until < now()) returning id`,
      [sessionId, version, TURN_SECONDS],
    )
    const kept = await this.read(sessionId)
    if (!kept) return { kind: 'gone' }
    if (taken && kept.version === version) return { kind: 'ours', kept }
    return kept.version > version ? { kind: 'newer', kept } : { kind: 'taken' }
  }

  async endTurn(sessionId: string, version: number): Promise<void> {
    await rows(this.database.pool, 'update http_sessions set refreshing_until = null where id = $1 and tokens_version = $2', [
      sessionId,
      version,
    ])
  }

  /** After a refresh; what did not come again stays. Of a session that ended meanwhile they are given back. */
  async replace(sessionId: string, before: Kept, tokens: Tokens, issuer: string): Promise<Kept> {
    const whole = {
      access_token: tokens.access_token,
      refresh_token: tokens.refresh_token ?? before.refreshToken?.reveal(),
      id_token: tokens.id_token ?? before.idToken?.reveal(),
    }
    const sealed = this.seal(sessionId, whole)
    const replaced = await row<{ version: number }>(
      this.database.pool,
      `update http_sessions set sealed = $2, tokens_version = tokens_version + 1, refreshing_until = null, refresh_due_at = ${DUE('$4')}
       where id = $1 and tokens_version = $3 returning tokens_version as version`,
      [sessionId, sealed, before.version, lifeOf(tokens)],
    )
    if (!replaced) await this.giveBack(this.database.pool, issuer, tokens)
    return this.opened(sessionId, sealed, replaced?.version ?? before.version)
  }

  /** Tokens that nobody needs any more are revoked at the provider, as soon as it answers. */
  async giveBack(tx: Tx, issuer: string, tokens: Tokens): Promise<void> {
    if (tokens.refresh_token === undefined) return
    const id = newId('ses')
    await rows(tx, 'insert into ended_sessions (id, issuer, sealed) values ($1, $2, $3)', [id, issuer, this.seal(id, tokens)])
    await enqueue(tx, [{ lane: 'background', kind: REVOKE_WORK, subject: id, shard: 'identity provider' }])
  }

  /** Of a session that has ended; undefined when there is nothing to revoke. */
  async ended(sessionId: string): Promise<{ issuer: string; refreshToken: Secret | undefined; isOld: boolean } | undefined> {
    const found = await row<{ issuer: string; sealed: string; isOld: boolean }>(
      this.database.pool,
      `select issuer, sealed, ended_at < now() - interval '1 day' as "isOld" from ended_sessions where id = $1`,
      [sessionId],
    )
    return found && { ...found, refreshToken: this.opened(sessionId, found.sealed, 0).refreshToken }
  }

  async forget(sessionId: string): Promise<void> {
    await rows(this.database.pool, 'delete from ended_sessions where id = $1', [sessionId])
  }

  private opened(sessionId: string, sealed: string, version: number): Kept {
    const { access, refresh, id } = stored.parse(JSON.parse(this.sealer.open(sealed, placeOf(sessionId)).reveal()))
    const secret = (text: string | undefined) => (text === undefined ? undefined : new Secret(text))
    return { version, accessToken: new Secret(access), refreshToken: secret(refresh), idToken: secret(id) }
  }
}

/** When a session in use should trade its refresh token, in SQL; `life`: how long that lives, if the provider says so. */
export const DUE = (life: string) =>
  `now() + make_interval(secs => least(${REFRESH_AFTER_SECONDS}, coalesce(${life}::float8, 1e9) / 2))`

/** `refresh_expires_in` is Keycloak's; 0 means that it does not expire. */
export function lifeOf({ refresh_expires_in: life }: Tokens): number | null {
  return typeof life === 'number' && life > 0 ? life : null
}
