import { Inject, Injectable } from '@nestjs/common'
import * as client from 'openid-client'
import type { Config } from '../../config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Claims } from './claims.ts'
import { NO_GROUPS, readGroups, UNTOLD } from './group-names.ts'
import { Provider, unreachable } from './provider.ts'
import { ProviderTokens, TokenRefused } from './provider-tokens.ts'
import { type Kept, SessionTokens } from './session-tokens.ts'
import { signInConfig } from './sign-in-config.ts'
import { type Documents, type Source, type Statement, statementOf } from './statement.ts'

/** Asks the provider what it says of somebody now, with what it gave when they signed in. */
@Injectable()
export class Confirmation {
  /** A refresh token may be good for one use: two calls at once share one asking. */
  private readonly asking = new Map<string, Promise<Documents>>()

  constructor(
    private readonly provider: Provider,
    private readonly tokens: ProviderTokens,
    private readonly kept: SessionTokens,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * `groupsSource`: where this person's groups were told last; what does not mention them there says that there are none. Throws
   * `TokenRefused` when the provider says no, `unavailable` when it cannot be asked.
   */
  async statementOf(sessionId: string, subject: string, groupsSource: Source | null): Promise<Statement | undefined> {
    const mapping = signInConfig(this.config)
    const under = this.asking.get(sessionId)
    const asked = under ?? this.ask(sessionId, subject, groupsSource).finally(() => this.asking.delete(sessionId))
    if (!under) this.asking.set(sessionId, asked)
    const documents = await asked
    const statement = statementOf('confirmation', documents, mapping)
    if (!statement || statement.groups) return statement
    const isTold = groupsSource === 'userinfo' || documents.idToken !== undefined
    const value = isTold ? NO_GROUPS : { told: false as const, why: UNTOLD.notRepeated }
    return { ...statement, groups: { value, source: groupsSource ?? 'userinfo' } }
  }

  private async ask(sessionId: string, subject: string, groupsSource: Source | null): Promise<Documents> {
    const kept = await this.kept.read(sessionId)
    if (!kept) throw new TokenRefused('no_tokens_kept')
    const userInfo = await this.userInfo(kept.accessToken.reveal(), subject)
    // An expired access token, or a provider that tells groups in ID tokens alone.
    const isEnough =
      userInfo && (groupsSource === 'userinfo' || readGroups(userInfo, signInConfig(this.config).groupsClaim)?.told)
    if (isEnough) return { userInfo }
    if (kept.refreshToken) return this.refreshed(sessionId, kept, subject)
    if (!userInfo) throw new TokenRefused('access_token_expired')
    return { userInfo }
  }

  private async refreshed(sessionId: string, kept: Kept, subject: string): Promise<Documents> {
    const { client: at } = await this.provider.get()
    const refreshToken = kept.refreshToken?.reveal() ?? ''
    const tokens = await client.refreshTokenGrant(at, refreshToken).catch((error: unknown) => {
      throw refusedOrUnreachable(error)
    })
    await this.kept.replace(sessionId, kept, tokens)
    const idToken = tokens.id_token === undefined ? undefined : await this.tokens.idToken(tokens.id_token)
    if (idToken && idToken['sub'] !== subject) throw new TokenRefused('sub')
    const userInfo = await this.userInfo(tokens.access_token, subject)
    if (!userInfo) throw new TokenRefused('userinfo_refused')
    return { idToken, userInfo }
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
