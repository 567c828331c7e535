import { Inject, Injectable } from '@nestjs/common'
import type { Request, Response } from 'express'
import * as client from 'openid-client'
import { Strategy } from 'openid-client/passport'
import passport from 'passport'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config.ts'
import { Database, row, rows } from '../../platform/database.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { type Claims, mentionsAll, readClaims } from './claims.ts'
import { Confirmation, refusedOrUnreachable, statusOf } from './confirmation.ts'
import { NO_GROUPS } from './group-names.ts'
import { HttpSessions } from './http-sessions.ts'
import { People } from './people.ts'
import { Provider } from './provider.ts'
import { ProviderTokens, TokenRefused } from './provider-tokens.ts'
import { Refusals } from './refusals.ts'
import { SessionTokens } from './session-tokens.ts'
import { publicOrigin, signInConfig } from './sign-in-config.ts'
import { type Statement, statementOf } from './statement.ts'

type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers

/** Asks for state and nonce always: PKCE alone does not tie an ID token to this browser. */
class CodeFlow extends Strategy {
  override authorizationRequestParams<Options>(request: Request, options: Options): URLSearchParams {
    const params = new URLSearchParams(super.authorizationRequestParams(request, options as never))
    params.set('state', client.randomState())
    params.set('nonce', client.randomNonce())
    return params
  }

  /** Told by the path: an answer without code or error would otherwise begin a sign-in of its own. */
  override shouldInitiateAuthRequest(request: Request): boolean {
    return request.path.endsWith('/login')
  }
}

/** The code flow: to the provider and back, and out again. */
@Injectable()
export class SignIn {
  private readonly authenticator = new passport.Passport()
  private prepared: client.Configuration | undefined

  constructor(
    private readonly database: Database,
    private readonly provider: Provider,
    private readonly tokens: ProviderTokens,
    private readonly kept: SessionTokens,
    private readonly confirmation: Confirmation,
    private readonly people: People,
    private readonly sessions: HttpSessions,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends the browser to the provider, and answers the response itself. */
  async begin(request: Request, response: Response, returnTo: string): Promise<void> {
    await this.prepare()
    request.session.returnTo = returnTo
    await this.authenticate(request, response)
  }

  /** Where the browser goes on to, signed in with a session of a new id. Every refusal is the same, and is written down. */
  async complete(request: Request, response: Response): Promise<string> {
    await this.prepare()
    const { returnTo = '/' } = request.session
    try {
      const tokens = await this.authenticate(request, response)
      if (!tokens?.id_token) throw new TokenRefused('no_id_token')
      const claims = await this.tokens.idToken(tokens.id_token)
      const userId = await this.people.admit(await this.statementOf(tokens, claims))
      await this.open(request, userId, claims, tokens)
      return returnTo
    } catch (error) {
      const refusal = refusedOrUnreachable(error)
      await this.refusals.note('callback', error)
      if (isBrokerError(refusal, 'unavailable') && !isProtocolFault(error)) throw refusal
      throw new BrokerError('auth.forbidden', 'the sign-in was refused', { fix: 'begin again at /auth/login' })
    }
  }

  /** Ends the session; answers where to sign out at the provider as well. */
  async end(request: Request): Promise<string | null> {
    const session = await row<{ id: string; userId: string }>(
      this.database.pool,
      'select id, user_id as "userId" from http_sessions where sid = $1 and id is not null',
      [request.sessionID],
    )
    const idToken = session && (await this.kept.read(session.id))?.idToken
    await this.sessions.destroy(request)
    if (!session) return null
    await record(this.database.pool, {
      kind: 'session.ended',
      actor: session.userId,
      subject: session.id,
      data: { userId: session.userId, reason: 'signed out' },
    })
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
    // Whoever is in no group is told of by many providers without the claim.
    return (
      statement && { ...statement, groups: statement.groups ?? { value: NO_GROUPS, source: userInfo ? 'userinfo' : 'id_token' } }
    )
  }

  private async open(request: Request, userId: string, claims: Claims, tokens: Tokens): Promise<void> {
    const { issuer } = signInConfig(this.config)
    const sid = await this.sessions.rotate(request)
    const id = newId('ses')
    const { sub, sid: idpSid } = claims
    await this.database.transaction(async (tx) => {
      await rows(
        tx,
        `update http_sessions set id = $2, user_id = $3, issuer = $4, subject = $5, idp_sid = $6, sealed = $7, begun_at = now(),
           expire = now() + make_interval(mins => $8)
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
        ],
      )
      await record(tx, { kind: 'session.begun', actor: userId, subject: id, data: { userId } })
    })
  }

  private async prepare(): Promise<void> {
    const { client: config } = await this.provider.get()
    if (this.prepared === config) return
    const { scopes } = signInConfig(this.config)
    const callbackURL = `${publicOrigin(this.config)}/auth/callback`
    const flow = new CodeFlow(
      { config, scope: scopes, callbackURL, name: 'oidc', sessionKey: 'signIn' },
      (tokens: Tokens, done: (error: unknown, user?: Tokens) => void) => done(null, tokens),
    )
    this.authenticator.use('oidc', flow as passport.Strategy)
    this.prepared = config
  }

  /** passport's way of answering, as a promise; a redirect it sends itself ends with undefined. */
  private authenticate(request: Request, response: Response): Promise<Tokens | undefined> {
    return new Promise((resolve, reject) => {
      response.once('finish', () => resolve(undefined))
      const answered = (error: unknown, tokens: Tokens | false | undefined, challenge?: object) => {
        if (error) return reject(error as Error)
        if (tokens) return resolve(tokens)
        return reject(new TokenRefused(challenge && 'error' in challenge ? 'access_denied' : 'no_sign_in_under_way'))
      }
      this.authenticator.authenticate('oidc', answered)(request, response, reject)
    })
  }
}

/** The provider answered, and wrongly: that is no outage. */
function isProtocolFault(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  const status = statusOf(error) ?? 200
  const isOutage = status >= 500 || status === 429
  return typeof code === 'string' && /^OAUTH_(?!TIMEOUT|ABORT)/.test(code) && !isOutage
}
