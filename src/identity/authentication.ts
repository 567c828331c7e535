import { Injectable } from '@nestjs/common'
import { Database, row, rows } from '../platform/database.ts'
import { hashOf, tokenIn } from './api-token.ts'
import { type Caller, unknownCaller } from './caller.ts'

type Found = Caller & { readonly isStale: boolean }

/** Tells who calls. Nothing is remembered between calls: what is revoked or disabled ends with the next one. */
@Injectable()
export class Authentication {
  constructor(private readonly database: Database) {}

  async callerOf(authorization: string | undefined): Promise<Caller> {
    const token = tokenIn(authorization)
    if (token === undefined) throw unknownCaller()
    const found = await row<Found>(
      this.database.pool,
      `select u.id, u.name, u.roles, t.scopes, t.id as "tokenId", t.created_by as "tokenMadeBy",
         array(select group_id from group_members where user_id = u.id) as "groupIds",
         t.last_used_at is null or t.last_used_at < now() - interval '1 minute' as "isStale"
       from api_tokens t join users u on u.id = t.user_id
       where t.hash = $1 and t.revoked_at is null and t.expires_at > now() and u.state = 'active'`,
      [hashOf(token)],
    )
    if (!found) throw unknownCaller()
    const { isStale, ...caller } = found
    if (isStale) await this.touch(found.tokenId!)
    return caller
  }

  // Skipping a row that somebody else has in hand: of many calls at once, one is enough to tell.
  private async touch(tokenId: string): Promise<void> {
    await rows(
      this.database.pool,
      `update api_tokens set last_used_at = now()
       where id = (select id from api_tokens where id = $1 for no key update skip locked)`,
      [tokenId],
    )
  }
}
