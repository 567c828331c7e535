import { Inject, Injectable } from '@nestjs/common'
import type { Request } from 'express'
import type { Config } from '../../config/config.ts'
import { DELEGATED_SCOPES, SCOPES } from '../../contract/identity.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows } from '../../platform/postgres/database.ts'
import { type Caller, unknownCaller } from '../callers/caller.ts'
import { groupIdsOf, rolesOf, rolesThrough } from '../directory/membership.ts'
import { isInGoodHands, isVouchedFor, signsIn, WENT_THROUGH_OTHER_HANDS } from '../directory/signs-in.ts'
import { JwtCallers } from '../sign-in/jwt-callers.ts'
import { SessionRefresh } from '../sign-in/session-refresh.ts'
import { hashOf, tokenIn } from '../tokens/api-token.ts'

/** What a caller proved themselves with, as far as the provider could be asked about it. */
export type Credential =
  /** `delegated`: somebody else made it for its person */
  | { readonly kind: 'token'; readonly delegated: boolean }
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'jwt'; readonly isNews: boolean }

export interface Recognised {
  readonly caller: Caller
  readonly credential: Credential
}

type Found = Caller & { readonly isStale: boolean; readonly delegated?: boolean }

/** Tells who calls. Nothing is remembered between calls: what is revoked or disabled ends with the next one. */
@Injectable()
export class Authentication {
  private readonly who: string
  private readonly whoByToken: string
  /** the same, without what a provider said of their groups */
  private readonly whoWithoutGroups: string

  constructor(
    private readonly database: Database,
    private readonly jwtCallers: JwtCallers,
    private readonly refresh: SessionRefresh,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const { groupsFreshMinutes } = config
    this.who = `u.id, u.name, ${rolesOf(groupsFreshMinutes)} as roles, ${groupIdsOf(groupsFreshMinutes)} as "groupIds"`
    this.whoByToken = `u.id, u.name, ${rolesThrough(groupsFreshMinutes)} as roles, ${groupIdsOf(groupsFreshMinutes)} as "groupIds"`
    this.whoWithoutGroups = `u.id, u.name, ${rolesOf(0)} as roles, ${groupIdsOf(0)} as "groupIds"`
  }

  /** By the credential the call brings, or by its cookie; who brings one is not asked for the other. */
  recognise(request: Request): Promise<Recognised> {
    const [authorization, ...more] = request.headersDistinct['authorization'] ?? []
    if (authorization === undefined) return this.bySession(request)
    // Of two, a proxy before us may have looked at the other one.
    if (more.length > 0) return Promise.reject(unknownCaller())
    const token = tokenIn(authorization)
    return token === undefined ? this.byJwt(authorization) : this.byToken(token)
  }

  /**
   * Of somebody who signs in, none counts that anybody else may have, nor any once the provider has said no, or nothing for too long. One
   * that others may have in hand counts while each of them is here and vouched for as well.
   */
  private async byToken(token: string): Promise<Recognised> {
    const found = await row<Found>(
      this.database.pool,
      `select ${this.whoByToken}, t.scopes, t.id as "tokenId", t.id as "cameWith", t.makers as "tokenMakers", t.delegated,
         t.last_used_at is null or t.last_used_at < now() - interval '1 minute' as "isStale"
       from api_tokens t join users u on u.id = t.user_id
       where t.hash = $1 and t.revoked_at is null and t.expires_at > now() and u.state = 'active'
         and not (${signsIn(this.config)} and ${WENT_THROUGH_OTHER_HANDS}) and ${isVouchedFor(this.config, '$2')}
         and ${isInGoodHands(this.config, '$2')}`,
      [hashOf(token), this.config.oidc?.issuer ?? ''],
    )
    if (!found) throw unknownCaller()
    const { isStale, delegated = false, ...caller } = found
    if (isStale) await this.touchToken(found.tokenId!)
    const scopes = delegated ? DELEGATED_SCOPES.filter((scope) => caller.scopes.includes(scope)) : caller.scopes
    return { caller: { ...caller, scopes }, credential: { kind: 'token', delegated } }
  }

  /** One that has ended, or begun with another provider, is none. */
  private async bySession(request: Request): Promise<Recognised> {
    const { oidc, sessionHours, sessionIdleMinutes } = this.config
    if (!oidc || !request.session?.signedIn) throw unknownCaller()
    const found = await row<Found & { readonly sessionId: string; readonly isDue: boolean }>(
      this.database.pool,
      `select ${this.who}, s.id as "sessionId",
         s.expire < now() + make_interval(mins => $3) - interval '1 minute' as "isStale",
         s.refresh_due_at < now() and coalesce(s.refreshing_until < now(), true) as "isDue"
       from http_sessions s join users u on u.id = s.user_id
       where s.sid = $1 and s.issuer = $2 and s.expire > now() and s.begun_at > now() - make_interval(hours => $4)
         and u.state = 'active' and (u.source = 'scim' or not $5)`,
      [request.sessionID, oidc.issuer, sessionIdleMinutes, sessionHours, oidc.onlyScim ?? false],
    )
    if (!found) throw unknownCaller()
    const { isStale, isDue, sessionId, ...person } = found
    if (isStale) await this.touchSession(sessionId)
    if (isDue) void this.refresh.keepAlive(sessionId)
    return { caller: signedIn(person, sessionId), credential: { kind: 'session', sessionId } }
  }

  private async byJwt(authorization: string): Promise<Recognised> {
    const { userId, isNews, tellsGroups, scopes } = await this.jwtCallers.read(authorization)
    const person = await row<Caller>(
      this.database.pool,
      `select ${tellsGroups ? this.who : this.whoWithoutGroups}
       from users u where u.id = $1 and u.state = 'active' and (u.source = 'scim' or not $2)`,
      [userId, this.config.oidc?.onlyScim ?? false],
    )
    if (!person) throw unknownCaller()
    const caller = signedIn(person, `jwt_${hashOf(authorization).slice(0, 26)}`)
    return { caller: { ...caller, scopes }, credential: { kind: 'jwt', isNews } }
  }

  // Skipping a row that somebody else has in hand: of many calls at once, one is enough to tell.
  private async touchToken(tokenId: string): Promise<void> {
    await rows(
      this.database.pool,
      `update api_tokens set last_used_at = now()
       where id = (select id from api_tokens where id = $1 for no key update skip locked)`,
      [tokenId],
    )
  }

  private async touchSession(sessionId: string): Promise<void> {
    await rows(
      this.database.pool,
      `update http_sessions set expire = now() + make_interval(mins => $2)
       where id = (select id from http_sessions where id = $1 for no key update skip locked)`,
      [sessionId, this.config.sessionIdleMinutes],
    )
  }
}

/** Who signed in in a browser may do all their roles allow: there is no token with scopes of its own between. */
function signedIn(person: Pick<Caller, 'id' | 'name' | 'roles' | 'groupIds'>, cameWith: string): Caller {
  return { ...person, scopes: SCOPES, tokenId: null, cameWith, tokenMakers: [] }
}
