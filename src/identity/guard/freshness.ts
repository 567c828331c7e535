import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row } from '../../platform/postgres/database.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { refuseIdentity } from '../refusals/provider-refusal.ts'
import { Refusals } from '../refusals/refusals.ts'
import { endSessions } from '../sessions/sessions.service.ts'
import { Confirmation } from '../sign-in/confirmation.ts'
import { FRESH_SECONDS } from '../sign-in/jwt-callers.ts'
import { People } from '../sign-in/people.ts'
import type { Source } from '../sign-in/statement.ts'
import type { Credential, Recognised } from './authentication.ts'

interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly isFresh: boolean
  readonly groupsSource: Source | null
  /** why the provider did not tell groups when it was asked last */
  readonly untold: string | null
}

/** Before somebody decides, the provider is asked whether they still are who may. Without its yes nothing is decided. */
@Injectable()
export class Freshness {
  constructor(
    private readonly database: Database,
    private readonly people: People,
    private readonly confirmation: Confirmation,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * A caller who came from the provider is confirmed there, unless that was a minute ago at most; any other is known by us alone. Throws
   * `auth.required` when the provider says no, `unavailable` when it cannot be asked. Answers whether it was asked: then the caller must be
   * recognised again.
   */
  async confirm({ caller, credential }: Recognised): Promise<boolean> {
    const identity = await this.identityOf(caller.id)
    if (!identity || (credential.kind === 'jwt' && credential.isNews)) return false
    if (identity.issuer !== this.config.oidc?.issuer)
      throw unconfirmed('this person signed in at a provider that the broker no longer uses')
    if (identity.isFresh && identity.untold === null) return false
    const sessionId = await this.sessionOf(caller.id, identity, credential)
    if (sessionId === undefined) throw unconfirmed('the provider can confirm you only while you are signed in')
    try {
      await this.people.admit(await this.confirmation.statementOf(sessionId, identity.subject, identity.groupsSource))
    } catch (error) {
      await this.refusals.note('confirmation', error, caller.id)
      if (isBrokerError(error, 'unavailable')) throw error
      await this.database.transaction(async (tx) => {
        await endSessions(tx, caller.id, 'the identity provider did not confirm the person', { ids: [sessionId] })
        await refuseIdentity(tx, identity.issuer, identity.subject, 'the identity provider did not confirm the person')
      })
      throw unconfirmed('the identity provider no longer confirms who you are')
    }
    await this.refuseUntold(caller.id)
    return true
  }

  private identityOf(userId: string): Promise<Identity | undefined> {
    return row<Identity>(
      this.database.pool,
      `select issuer, subject, confirmed_at > now() - make_interval(secs => $2) as "isFresh", groups_source as "groupsSource",
         case when groups_untold_at > coalesce(groups_said_at, '-infinity') then groups_untold end as untold
       from identities where user_id = $1 order by issuer = $3 desc, confirmed_at desc limit 1`,
      [userId, FRESH_SECONDS, this.config.oidc?.issuer ?? ''],
    )
  }

  /** Groups that were told once and are not told now are worth something for reading, and nothing for a decision. */
  private async refuseUntold(userId: string): Promise<void> {
    const untold = (await this.identityOf(userId))?.untold
    if (untold === null || untold === undefined) return
    const left = await row(
      this.database.pool,
      `select from group_members m join groups g on g.id = m.group_id and g.source = 'sign_in' where m.user_id = $1 limit 1`,
      [userId],
    )
    if (!left) return
    throw new BrokerError('auth.forbidden', `the identity provider does not say which groups you are in: ${untold}`, {
      fix: 'ask an admin to read “Groups that are not told” in docs/integrations/identity-provider.md',
    })
  }

  /** A token is somebody's as well as their browser is: it is confirmed through the session they began last. */
  private async sessionOf(userId: string, { issuer, subject }: Identity, credential: Credential): Promise<string | undefined> {
    const found = await row<{ id: string }>(
      this.database.pool,
      `select id from http_sessions
       where user_id = $1 and issuer = $2 and subject = $3 and sealed is not null and expire > now()
         and begun_at > now() - make_interval(hours => $5) and ($4::text is null or id = $4)
       order by begun_at desc limit 1`,
      [userId, issuer, subject, credential.kind === 'session' ? credential.sessionId : null, this.config.sessionHours],
    )
    return found?.id
  }
}

function unconfirmed(message: string): BrokerError {
  return new BrokerError('auth.required', message, { fix: 'sign in again (at the command line: latchkey login)' })
}
