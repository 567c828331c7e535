import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import type { Scope } from '../../contract/identity.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { unknownCaller } from '../callers/caller.ts'
import { Refusals } from '../refusals/refusals.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { refuseStrangeClients, scopesOf } from './access-token-rights.ts'
import type { Claims } from './claims.ts'
import { Confirmation } from './confirmation.ts'
import { UNTOLD } from './group-names.ts'
import { People } from './people.ts'
import { ProviderTokens } from './provider-tokens.ts'
import { signInConfig } from './sign-in-config.ts'
import { statementOf } from './statement.ts'
import { refusalInWords, subjectOf } from './token-words.ts'

/** Within this many seconds of being asked, the provider's word is fresh enough for a decision. */
export const FRESH_SECONDS = 60

/** Who comes with an access token. */
export interface JwtCaller {
  readonly userId: string
  /** the token itself, or what was asked with it, is so young that it is fresh */
  readonly isNews: boolean
  readonly scopes: readonly Scope[]
  /** false: what the provider said of their groups before is not known to be so still */
  readonly tellsGroups: boolean
}

type AccessClaims = Claims & { readonly iat: number; readonly sub: string }

interface Known {
  readonly userId: string | null
  readonly isScims: boolean
  /** the provider has said no since it made the token */
  readonly isRefused: boolean
  readonly ageSeconds: number
  readonly groupsSeconds: number | null
  readonly untoldSeconds: number | null
}

/** Whose access token it is that comes with a call. */
@Injectable()
export class JwtCallers {
  constructor(
    private readonly database: Database,
    private readonly tokens: ProviderTokens,
    private readonly people: People,
    private readonly confirmation: Confirmation,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Whose token is proved is told why it does not serve; every other refusal looks the same. */
  async read(authorization: string): Promise<JwtCaller> {
    const token = /^Bearer ([\w-]+\.[\w-]*\.[\w-]*)$/i.exec(authorization)?.[1]
    if (token === undefined || !this.config.oidc?.audience) throw unknownCaller()
    const seen: { subject?: string } = {}
    try {
      const claims = await this.tokens.accessToken(token)
      seen.subject = claims.sub
      refuseStrangeClients(claims, signInConfig(this.config))
      const scopes = scopesOf(claims, signInConfig(this.config))
      return { ...(await this.personOf(token, claims)), scopes }
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'unavailable') throw error
      const subject = subjectOf(error) ?? seen.subject
      await this.refusals.note('bearer', error, subject ? await this.people.find(subject) : undefined)
      throw refusalInWords(error) ?? unknownCaller()
    }
  }

  private async personOf(token: string, claims: AccessClaims): Promise<Omit<JwtCaller, 'scopes'>> {
    const mapping = signInConfig(this.config)
    const statement = statementOf('access_token', { accessToken: claims }, mapping)
    const known = await this.known(mapping.issuer, claims)
    if (known.isRefused) throw new TokenRefused('refused_since')
    const { userId, ageSeconds, groupsSeconds, untoldSeconds } = known
    const isYoung = ageSeconds < FRESH_SECONDS
    if (userId && known.isScims) return { userId, isNews: isYoung, tellsGroups: true }
    if (statement?.groups?.value.told) {
      // What the provider said later is not replaced by what it said when it made this token.
      if (userId && ageSeconds >= (groupsSeconds ?? Infinity)) return { userId, isNews: isYoung, tellsGroups: true }
      return { userId: await this.people.admit(statement, Math.max(0, ageSeconds)), isNews: isYoung, tellsGroups: true }
    }
    // Tokens tell whole seconds: what was said in the same one may have been said before.
    if (userId && ageSeconds >= (groupsSeconds ?? Infinity) + 1) return { userId, isNews: false, tellsGroups: true }
    if (userId && ageSeconds >= (untoldSeconds ?? Infinity)) return { userId, isNews: false, tellsGroups: false }
    return this.askedFor(token, claims, userId)
  }

  /** Of a token that does not tell groups, userinfo may; that it is silent, too, says nothing: another client is told other claims. */
  private async askedFor(token: string, claims: AccessClaims, userId: string | null): Promise<Omit<JwtCaller, 'scopes'>> {
    const mapping = signInConfig(this.config)
    const userInfo = await this.confirmation.userInfo(token, claims.sub)
    if (!userInfo && !userId) {
      throw new BrokerError('auth.forbidden', 'the token belongs to a person who has never signed in here')
    }
    const statement = statementOf('access_token', { accessToken: claims, userInfo }, mapping)
    const groups = statement?.groups ?? { value: { told: false as const, why: UNTOLD.silent }, source: 'access_token' as const }
    const admitted = await this.people.admit(statement && { ...statement, groups })
    return { userId: admitted, isNews: groups.value.told, tellsGroups: groups.value.told }
  }

  private async known(issuer: string, { sub, iat }: { readonly sub: string; readonly iat: number }): Promise<Known> {
    return (await row<Known>(
      this.database.pool,
      `select i.user_id as "userId", coalesce(u.source = 'scim', false) as "isScims",
         coalesce(i.refused_at >= to_timestamp($3), false) as "isRefused",
         extract(epoch from now())::float8 - $3 as "ageSeconds",
         extract(epoch from now() - i.groups_said_at)::float8 as "groupsSeconds",
         extract(epoch from now() - i.groups_untold_at)::float8 as "untoldSeconds"
       from (select) one left join identities i on i.issuer = $1 and i.subject = $2 left join users u on u.id = i.user_id`,
      [issuer, sub, iat],
    ))!
  }
}
