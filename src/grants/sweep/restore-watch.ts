import { Injectable, Logger } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { BROKER, record } from '../../audit/record.ts'
import { type Connection, Connections } from '../../integrations/connections.ts'
import { sweepWork } from '../../integrations/sweep-work.ts'
import { within } from '../../integrations/within.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { row, rows, UrgentDatabase } from '../../platform/postgres/database.ts'
import { isBrokerError } from '../../sdk/index.ts'

const EVERY_MS = 5_000
const PATIENCE_MS = 10_000

interface Sign {
  readonly sign: string | null
  /** young enough to be there for certain if nothing was put back */
  readonly trusted: boolean
  /** something ended since it was left, or it is old: a snapshot taken since would show nothing */
  readonly outdated: boolean
}

/**
 * Notices that an earlier state of a target was put back, by a sign that this state does not have, and sweeps at once: what had ended
 * may be alive again.
 */
@Injectable()
export class RestoreWatch {
  private readonly rounds = new Rounds(new Logger(RestoreWatch.name), 'looking whether a target was put back')

  constructor(
    private readonly database: UrgentDatabase,
    private readonly connections: Connections,
    private readonly work: DueWork,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.make(() => Promise.all(this.connections.all().map((connection) => this.look(connection))))
  }

  private async look(connection: Connection): Promise<void> {
    const { plugin, integration, client } = connection
    if (!plugin.leaveSign || !plugin.findsSign) return
    const now = await this.claim(integration.id)
    if (!now) return
    try {
      await within(PATIENCE_MS, undefined, async (signal) => {
        const missing = now.sign !== null && !(await plugin.findsSign?.(client, now.sign, signal))
        if (missing || now.outdated || now.sign === null) {
          const sign = await plugin.leaveSign?.(client, signal)
          if (sign !== undefined) await this.leave(integration.id, sign, { missing, restored: missing && now.trusted })
        }
      })
    } catch (error) {
      // A target that is away, or a broker without this right, is told of by the health check.
      if (!isBrokerError(error)) throw error
    }
  }

  /** One replica looks at a time. */
  private claim(integrationId: string): Promise<Sign | undefined> {
    return row<Sign>(
      this.database.pool,
      `update integrations i set sign_looked_at = clock_timestamp()
       where id = $1 and state <> 'removed'
         and (sign_looked_at is null or sign_looked_at < clock_timestamp() - make_interval(secs => $2))
       returning sign, coalesce(sign_left_at > clock_timestamp() - interval '1 h', false) as trusted,
         coalesce(sign_left_at < clock_timestamp() - interval '30 min', true)
           or exists (select 1 from grants g where g.integration_id = i.id and g.ended_at >= i.sign_left_at) as outdated`,
      [integrationId, (EVERY_MS * 0.8) / 1000],
    )
  }

  /** A sign that may have run out while the target was away proves nothing; whatever was put back meanwhile is swept all the same. */
  private async leave(integrationId: string, sign: string, former: { missing: boolean; restored: boolean }): Promise<void> {
    await this.database.transaction(async (tx) => {
      await rows(tx, 'update integrations set sign = $2, sign_left_at = clock_timestamp() where id = $1', [integrationId, sign])
      if (former.restored) await record(tx, { kind: 'target.restored', actor: BROKER, subject: integrationId, data: {} })
      if (!former.missing) return
      await enqueue(tx, [sweepWork(integrationId)])
    })
    if (former.missing) this.work.wake('background')
  }
}
