import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config.ts'
import { Database, row } from '../../platform/database.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError } from '../../sdk/index.ts'
import { unknownCaller } from '../caller.ts'
import { tellsGroups } from './claims.ts'
import { People } from './people.ts'
import { ProviderTokens } from './provider-tokens.ts'
import { Refusals } from './refusals.ts'
import { signInConfig } from './sign-in-config.ts'

/** Within this many seconds of being asked, the provider's word is fresh enough for a decision. */
export const FRESH_SECONDS = 60

/** Whose access token it is that comes with a call. */
@Injectable()
export class JwtCallers {
  constructor(
    private readonly database: Database,
    private readonly tokens: ProviderTokens,
    private readonly people: People,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** `isNews`: the token itself is so young that its claims are fresh. Every refusal looks the same to whoever calls. */
  async read(authorization: string): Promise<{ userId: string; isNews: boolean }> {
    const token = /^Bearer ([\w-]+\.[\w-]*\.[\w-]*)$/i.exec(authorization)?.[1]
    if (token === undefined || !this.config.oidc?.audience) throw unknownCaller()
    try {
      return await this.personOf(token)
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'unavailable') throw error
      await this.refusals.note('bearer', error)
      throw unknownCaller()
    }
  }

  private async personOf(token: string): Promise<{ userId: string; isNews: boolean }> {
    const mapping = signInConfig(this.config)
    const claims = await this.tokens.accessToken(token)
    const known = await row<{ userId: string; ageSeconds: number; confirmedSeconds: number }>(
      this.database.pool,
      `select extract(epoch from now())::float8 - $3 as "ageSeconds", i.user_id as "userId",
         extract(epoch from now() - i.confirmed_at)::float8 as "confirmedSeconds"
       from (select) one left join identities i on i.issuer = $1 and i.subject = $2`,
      [mapping.issuer, claims.sub, claims.iat],
    )
    const { userId, ageSeconds = 0, confirmedSeconds } = known ?? {}
    const says = tellsGroups(claims, mapping)
    const isNews = says && ageSeconds < FRESH_SECONDS
    // What the provider said later is not replaced by what it said when it made this token.
    if (userId && (!says || ageSeconds >= (confirmedSeconds ?? 0))) return { userId, isNews }
    if (!says || claims.sub === claims['client_id']) {
      throw new BrokerError('auth.forbidden', 'the token is of somebody who has never signed in, and does not say who they are')
    }
    return { userId: await this.people.admit(claims, Math.max(0, ageSeconds)), isNews }
  }
}
