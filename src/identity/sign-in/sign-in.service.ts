import { Inject, Injectable } from '@nestjs/common'
import type { Request, Response } from 'express'
import * as client from 'openid-client'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { Attempts } from '../refusals/attempts.ts'
import { Refusals } from '../refusals/refusals.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { type Claims, mentionsAll, readClaims } from './claims.ts'
import { type Answered, CodeFlow, type Tokens } from './code-flow.ts'
import { Confirmation } from './confirmation.ts'
import { NO_GROUPS } from './group-names.ts'
import { HttpSessions } from './http-sessions.ts'
import { People } from './people.ts'
import { Provider, unreachable } from './provider.ts'
import { ownFault, statusOf } from './provider-answers.ts'
import { ProviderTokens } from './provider-tokens.ts'
import { DUE, lifeOf, SessionTokens } from './session-tokens.ts'
import { publicOrigin, signInConfig } from './sign-in-config.ts'
import { SIGN_IN_SECONDS } from './sign-in-cookies.ts'
import { type Statement, statementOf } from './statement.ts'

/** The code flow: to the provider and back, and out again. */
@Injectable()
export class SignIn {
  constructor(
    private readonly database: Database,
    private readonly flow: CodeFlow,
    private readonly provider: Provider,
    private readonly tokens: ProviderTokens,
    private readonly kept: SessionTokens,
    private readonly confirmation: Confirmation,
    private readonly people: People,
    private readonly sessions: HttpSessions,
    private readonly refusals: Refusals,
    private readonly attempts: Attempts,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends the browser to the provider. */
  async begin(request: Request, response: Response, returnTo: string): Promise<void> {
    this.attempts.take('sign_in')
    response.redirect(302, await this.flow.begin(request, response, returnTo))
  }

  /** Where the browser goes on to, signed in with a session of a new id. Every refusal is written down. */
  async complete(request: Request, response: Response): Promise<string> {
    this.attempts.take('sign_in')
    let tokens: Tokens | undefined
    let subject: string | undefined
    try {
      const answered = await this.flow.complete(request, response)
      tokens = answered.tokens
      if (!tokens.id_token) throw new TokenRefused('no_id_token')
      const claims = await this.tokens.idToken(tokens.id_token)
      subject = String(claims['sub'])
      const userId = await this.people.admit(await this.statementOf(tokens, claims))
      await this.open(request, userId, claims, answered)
      return answered.returnTo
    } catch (error) {
      if (tokens) await this.kept.giveBack(this.database.pool, signInConfig(this.config).issuer, tokens)
      await this.refusals.note('callback', error, subject ? await this.people.find(subject) : undefined)
      throw refusalOfSignIn(error)
    }
  }

  /** Ends the session; answers where to sign out at the provider as well. */
  async end(request: Request): Promise<string | null> {
    const session = await this.sessionOf(request)
    const idToken = session && (await this.kept.read(session.id))?.idToken
    await this.sessions.destroy(request)
    if (!session) return null
    await this.noteEnd(this.database.pool, session, 'signed out')
    return this.endSessionUrl(idToken?.reveal())
  }

  // Whether the provider is there or not, one is signed out here.
  private async endSessionUrl(idToken: string | undefined): Promise<string | null> {
    const discovered = await this.provider.get().catch(() => undefined)
    if (!discovered?.client.serverMetadata().end_session_endpoint) return null
    return client.buildEndSessionUrl(discovered.client, {
      post_logout_redirect_uri: `${publicOrigin(this.config)}/`,
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
    }).href
  }

  private async statementOf(tokens: Tokens, idToken: Claims): Promise<Statement | undefined> {
    const mapping = signInConfig(this.config)
    const { userinfo_endpoint: hasUserInfo } = (await this.provider.get()).client.serverMetadata()
    const said = readClaims(idToken, mapping)
    const isOpen = said !== undefined && hasUserInfo !== undefined && !mentionsAll(said, mapping)
    const userInfo = isOpen ? await this.confirmation.userInfo(tokens.access_token, said.subject) : undefined
    if (isOpen && !userInfo && !said.groups) throw new TokenRefused('userinfo_refused')
    const statement = statementOf('sign_in', { idToken, userInfo }, mapping)
    // Many providers leave the claim out for a person who is in no group.
    return (
      statement && { ...statement, groups: statement.groups ?? { value: NO_GROUPS, source: userInfo ? 'userinfo' : 'id_token' } }
    )
  }

  private async open(request: Request, userId: string, claims: Claims, { tokens, state }: Answered): Promise<void> {
    const { issuer } = signInConfig(this.config)
    const former = await this.sessionOf(request)
    const sid = await this.sessions.rotate(request)
    const id = newId('ses')
    const { sub, sid: idpSid } = claims
    await this.database.transaction(async (tx) => {
      if (!(await countsOnce(tx, issuer, state))) throw new TokenRefused('replayed')
      await rows(
        tx,
        `update http_sessions set id = $2, user_id = $3, issuer = $4, subject = $5, idp_sid = $6, sealed = $7, begun_at = now(),
           expire = now() + make_interval(mins => $8), refresh_due_at = ${DUE('$9')}
         where sid = $1`,
        [
          sid,
          id,
          userId,
          issuer,
          sub,
          typeof idpSid === 'string' ? idpSid : null,
          this.kept.seal(id, tokens),
          this.config.sessionIdleMinutes,
          lifeOf(tokens),
        ],
      )
      if (former) await this.noteEnd(tx, former, 'signed in again')
      await record(tx, { kind: 'session.begun', actor: userId, subject: id, data: { userId } })
    })
  }

  private async sessionOf(request: Request): Promise<Session | undefined> {
    return row<Session>(
      this.database.pool,
      'select id, user_id as "userId" from http_sessions where sid = $1 and id is not null',
      [request.sessionID],
    )
  }

  private noteEnd(tx: Tx, { id, userId }: Session, reason: string): Promise<void> {
    return record(tx, { kind: 'session.ended', actor: userId, subject: id, data: { userId, reason } })
  }
}

interface Session {
  readonly id: string
  readonly userId: string
}

/** A state is good for one session, even for one who kept a copy of the cookie. */
async function countsOnce(tx: Tx, issuer: string, state: string): Promise<boolean> {
  const first = await rows(
    tx,
    `insert into logout_tokens (issuer, jti, expires_at) values ($1, $2, now() + make_interval(secs => $3))
     on conflict do nothing returning jti`,
    [issuer, `state ${state}`, SIGN_IN_SECONDS],
  )
  return first.length > 0
}

/** The provider answered, and wrongly: that is no outage. */
function refusalOfSignIn(error: unknown): BrokerError {
  const own = ownFault(error)
  if (own) return own
  const outage = error instanceof BrokerError || error instanceof TokenRefused ? error : unreachable(error)
  if (isBrokerError(outage, 'unavailable') && !isProtocolFault(error)) return outage
  return new BrokerError('auth.forbidden', 'the sign-in was refused', { fix: 'begin again at /auth/login' })
}

function isProtocolFault(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  const status = statusOf(error) ?? 200
  const isOutage = status >= 500 || status === 429
  return typeof code === 'string' && /^OAUTH_(?!TIMEOUT|ABORT)/.test(code) && !isOutage
}
