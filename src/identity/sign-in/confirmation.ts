import { Inject, Injectable } from '@nestjs/common'
import * as client from 'openid-client'
import type { Config } from '../../config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type Claims, tellsGroups } from './claims.ts'
import { Provider, unreachable } from './provider.ts'
import { ProviderTokens, TokenRefused } from './provider-tokens.ts'
import { type Kept, SessionTokens } from './session-tokens.ts'
import { signInConfig } from './sign-in-config.ts'

/** Asks the provider what it says of somebody now, with what it gave when they signed in. */
@Injectable()
export class Confirmation {
  /** A refresh token may be good for one use: two calls at once share one asking. */
  private readonly asking = new Map<string, Promise<Claims>>()

  constructor(
    private readonly provider: Provider,
    private readonly tokens: ProviderTokens,
    private readonly kept: SessionTokens,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws `TokenRefused` when the provider says no, `unavailable` when it cannot be asked. */
  claimsOf(sessionId: string, subject: string): Promise<Claims> {
    const under = this.asking.get(sessionId)
    if (under) return under
    const asked = this.ask(sessionId, subject).finally(() => this.asking.delete(sessionId))
    this.asking.set(sessionId, asked)
    return asked
  }

  private async ask(sessionId: string, subject: string): Promise<Claims> {
    const kept = await this.kept.read(sessionId)
    if (!kept) throw new TokenRefused('no_tokens_kept')
    const said = await this.userInfo(kept.accessToken.reveal(), subject)
    // An expired access token, or a provider that tells groups in ID tokens alone.
    if (said && tellsGroups(said, signInConfig(this.config))) return said
    if (!kept.refreshToken) {
      if (said) return said
      throw new TokenRefused('access_token_expired')
    }
    return this.refreshed(sessionId, kept, subject)
  }

  private async refreshed(sessionId: string, kept: Kept, subject: string): Promise<Claims> {
    const { client: at } = await this.provider.get()
    const refreshToken = kept.refreshToken?.reveal() ?? ''
    const tokens = await client.refreshTokenGrant(at, refreshToken).catch((error: unknown) => {
      throw refusedOrUnreachable(error)
    })
    await this.kept.replace(sessionId, kept, tokens)
    const idToken = tokens.id_token === undefined ? undefined : await this.tokens.idToken(tokens.id_token)
    if (idToken && idToken['sub'] !== subject) throw new TokenRefused('sub')
    const said = await this.userInfo(tokens.access_token, subject)
    if (!said) throw new TokenRefused('userinfo_refused')
    return { ...idToken, ...said }
  }

  /** undefined when the provider does not take the token. */
  async userInfo(accessToken: string, subject: string): Promise<Claims | undefined> {
    const { client: at } = await this.provider.get()
    try {
      return await client.fetchUserInfo(at, accessToken, subject)
    } catch (error) {
      const refusal = refusedOrUnreachable(error)
      if (refusal instanceof TokenRefused) return undefined
      throw refusal
    }
  }
}

/** What the provider answered with 4xx is its no; everything else is no answer at all. */
export function refusedOrUnreachable(error: unknown): TokenRefused | BrokerError {
  if (error instanceof BrokerError || error instanceof TokenRefused) return error
  const status = statusOf(error)
  if (status !== undefined && status >= 400 && status < 500 && status !== 429)
    return new TokenRefused(`provider_said_no_${status}`)
  if (error instanceof client.ClientError && error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED')
    return new TokenRefused('sub')
  return unreachable(error)
}

/** With which the provider answered: it is on the error, or on the response that is somewhere among its causes. */
export function statusOf(error: unknown): number | undefined {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { status } = at as { status?: unknown }
    if (typeof status === 'number') return status
  }
  return undefined
}
