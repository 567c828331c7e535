import { Inject, Injectable } from '@nestjs/common'
import * as client from 'openid-client'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import type { Claims } from './claims.ts'
import { NO_GROUPS, readGroups, UNTOLD } from './group-names.ts'
import { Provider } from './provider.ts'
import { faultOfUserInfo } from './provider-answers.ts'
import { ProviderTokens } from './provider-tokens.ts'
import { SessionRefresh } from './session-refresh.ts'
import { type Kept, SessionTokens } from './session-tokens.ts'
import { signInConfig } from './sign-in-config.ts'
import { type Documents, type Source, type Statement, statementOf } from './statement.ts'

/** Asks the provider what it says of somebody now, with what it gave when they signed in. */
@Injectable()
export class Confirmation {
  /** Two calls of one process at once share one asking; replicas take turns (`SessionRefresh`). */
  private readonly asking = new Map<string, Promise<Documents>>()

  constructor(
    private readonly provider: Provider,
    private readonly tokens: ProviderTokens,
    private readonly kept: SessionTokens,
    private readonly refresh: SessionRefresh,
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
    const newer = kept.refreshToken && (await this.newer(sessionId, kept, userInfo !== undefined))
    if (newer) return this.refreshed(kept, newer, subject)
    if (!userInfo) throw new TokenRefused('access_token_expired')
    return { userInfo }
  }

  /** undefined when the refresh token is not taken any more, although the access token is: they are still who they are. */
  private async newer(sessionId: string, kept: Kept, isKnown: boolean): Promise<Kept | undefined> {
    return this.refresh.newer(sessionId, kept).catch((error: unknown) => {
      if (isKnown && error instanceof TokenRefused) return undefined
      throw error
    })
  }

  private async refreshed(before: Kept, newer: Kept, subject: string): Promise<Documents> {
    // The ID token of the sign-in says nothing new.
    const isNew = newer.idToken !== undefined && newer.idToken.reveal() !== before.idToken?.reveal()
    const idToken = isNew ? await this.tokens.idToken(newer.idToken!.reveal()) : undefined
    if (idToken && idToken['sub'] !== subject) throw new TokenRefused('sub')
    const userInfo = await this.userInfo(newer.accessToken.reveal(), subject)
    if (!userInfo) throw new TokenRefused('userinfo_refused')
    return { idToken, userInfo }
  }

  /** undefined when the provider does not take the token. */
  async userInfo(accessToken: string, subject: string): Promise<Claims | undefined> {
    const { client: at } = await this.provider.get()
    try {
      return await client.fetchUserInfo(at, accessToken, subject)
    } catch (error) {
      const fault = faultOfUserInfo(error)
      if (fault) throw fault
      return undefined
    }
  }
}
