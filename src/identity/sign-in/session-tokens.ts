import { Injectable } from '@nestjs/common'
import * as client from 'openid-client'
import { z } from 'zod'
import { Database, row, rows } from '../../platform/database.ts'
import { Sealer } from '../../platform/sealing.ts'
import { Secret } from '../../sdk/index.ts'

/** What the provider gave for a session: to ask it again, and to sign out there. */
export interface Kept {
  readonly accessToken: Secret
  readonly refreshToken: Secret | undefined
  readonly idToken: Secret | undefined
}

type Tokens = Pick<client.TokenEndpointResponse, 'access_token' | 'refresh_token' | 'id_token'>

const stored = z.object({ access: z.string(), refresh: z.string().optional(), id: z.string().optional() })
const placeOf = (sessionId: string) => ({ table: 'http_sessions', row: sessionId, column: 'sealed' })

/** Keeps the provider's tokens where only the broker can read them. */
@Injectable()
export class SessionTokens {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  seal(sessionId: string, tokens: Tokens): string {
    const { access_token: access, refresh_token: refresh, id_token: id } = tokens
    return this.sealer.seal(JSON.stringify({ access, refresh, id }), placeOf(sessionId))
  }

  async read(sessionId: string): Promise<Kept | undefined> {
    const found = await row<{ sealed: string | null }>(this.database.pool, 'select sealed from http_sessions where id = $1', [
      sessionId,
    ])
    if (!found?.sealed) return undefined
    const { access, refresh, id } = stored.parse(JSON.parse(this.sealer.open(found.sealed, placeOf(sessionId)).reveal()))
    const secret = (text: string | undefined) => (text === undefined ? undefined : new Secret(text))
    return { accessToken: new Secret(access), refreshToken: secret(refresh), idToken: secret(id) }
  }

  /** After a refresh; what did not come anew stays. */
  async replace(sessionId: string, before: Kept, tokens: Tokens): Promise<void> {
    const sealed = this.seal(sessionId, {
      access_token: tokens.access_token,
      refresh_token: tokens.refresh_token ?? before.refreshToken?.reveal(),
      id_token: tokens.id_token ?? before.idToken?.reveal(),
    })
    await rows(this.database.pool, 'update http_sessions set sealed = $2 where id = $1', [sessionId, sealed])
  }
}
