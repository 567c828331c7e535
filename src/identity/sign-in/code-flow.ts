import { Inject, Injectable } from '@nestjs/common'
import type { Request, Response } from 'express'
import * as client from 'openid-client'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row } from '../../platform/postgres/database.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { Provider } from './provider.ts'
import { publicOrigin, signInConfig } from './sign-in-config.ts'
import { SIGN_IN_SECONDS, SignInCookies } from './sign-in-cookies.ts'

export type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers

export interface Answered {
  readonly tokens: Tokens
  readonly state: string
  readonly returnTo: string
}

/** The authorization code flow with PKCE, state and nonce: PKCE alone does not tie an ID token to this browser. */
@Injectable()
export class CodeFlow {
  constructor(
    private readonly database: Database,
    private readonly provider: Provider,
    private readonly cookies: SignInCookies,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Where the browser goes to sign in. */
  async begin(request: Request, response: Response, returnTo: string): Promise<string> {
    const { client: at } = await this.provider.get()
    const { scopes, authorizationParameters = {} } = signInConfig(this.config)
    const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()]
    const url = client.buildAuthorizationUrl(at, {
      ...authorizationParameters,
      redirect_uri: this.callbackUrl(),
      scope: scopes,
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    this.cookies.keep(request, response, state, { nonce, verifier, returnTo, begunAt: await this.now() })
    return url.href
  }

  /** What the provider gave for the code it sent the browser back with. */
  async complete(request: Request, response: Response): Promise<Answered> {
    const answer = new URL(request.originalUrl, this.callbackUrl()).search
    const [state, another] = new URLSearchParams(answer).getAll('state')
    const begun = state === undefined || another !== undefined ? undefined : this.cookies.take(request, response, state)
    if (state === undefined || !begun || (await this.now()) - begun.begunAt > SIGN_IN_SECONDS) {
      throw new TokenRefused('no_sign_in_under_way')
    }
    const { client: at } = await this.provider.get()
    const tokens = await client.authorizationCodeGrant(at, new URL(this.callbackUrl() + answer), {
      pkceCodeVerifier: begun.verifier,
      expectedState: state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    })
    return { tokens, state, returnTo: begun.returnTo }
  }

  private callbackUrl(): string {
    return `${publicOrigin(this.config)}/auth/callback`
  }

  private async now(): Promise<number> {
    const { seconds = 0 } =
      (await row<{ seconds: number }>(this.database.pool, `select extract(epoch from now())::float8 as seconds`)) ?? {}
    return seconds
  }
}
