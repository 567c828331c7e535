import { Inject, Injectable } from '@nestjs/common'
import { BROKER } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { refuseIdentity } from '../refusals/provider-refusal.ts'
import { Refusals } from '../refusals/refusals.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { endSessions } from '../sessions/sessions.service.ts'
import { ProviderTokens } from './provider-tokens.ts'
import { signInConfig } from './sign-in-config.ts'

/** The provider says that somebody has signed out: their sessions here end as well. */
@Injectable()
export class LogoutNotices {
  constructor(
    private readonly database: Database,
    private readonly tokens: ProviderTokens,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async take(logoutToken: string): Promise<void> {
    try {
      const token = await this.tokens.logoutToken(logoutToken)
      await this.end(token)
    } catch (error) {
      if (isBrokerError(error, 'unavailable')) throw error
      await this.refusals.note('logout_token', error)
      throw new BrokerError('input.invalid', 'the logout token was refused', { field: 'logout_token' })
    }
  }

  private async end({ jti, exp, subject, sid }: { jti: string; exp: number; subject?: string; sid?: string }): Promise<void> {
    const { issuer } = signInConfig(this.config)
    await this.database.transaction(async (tx) => {
      await rows(tx, `delete from logout_tokens where expires_at < now() - interval '1 hour'`)
      const first = await rows(
        tx,
        `insert into logout_tokens (issuer, jti, expires_at) values ($1, $2, to_timestamp($3))
         on conflict do nothing returning jti`,
        [issuer, jti, exp],
      )
      if (first.length === 0) throw new TokenRefused('replayed')
      const ended = await rows<{ id: string }>(
        tx,
        `select id from http_sessions
         where issuer = $1 and ($2::text is null or subject = $2) and ($3::text is null or idp_sid = $3) for update`,
        [issuer, subject ?? null, sid ?? null],
      )
      await endSessions(tx, BROKER, 'signed out at the provider', { ids: ended.map(({ id }) => id) })
      // Of one session that ended, tokens know nothing; of somebody who is signed out everywhere, they do.
      if (subject !== undefined && sid === undefined) await refuseIdentity(tx, issuer, subject, 'signed out at the provider')
    })
  }
}
