import { Injectable, Logger } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { BROKER, record } from '../../audit/record.ts'
import { type Connection, Connections } from '../../integrations/connections/connections.ts'
import { within } from '../../integrations/connections/within.ts'
import { sweepWork } from '../../integrations/sweep-work.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { Installation } from '../../platform/installation/installation.ts'
import { row, rows, UrgentDatabase } from '../../platform/postgres/database.ts'
import { isBrokerError } from '../../sdk/index.ts'

const EVERY_MS = 5_000
const PATIENCE_MS = 10_000

interface Sign {
  readonly sign: string | null
  readonly leftAt: Date | null
  readonly lookedAt: Date
  /** young enough to be there for certain if nothing was put back */
  readonly trusted: boolean
  /** something ended since it was left, or it is old: a snapshot taken since would show nothing */
  readonly outdated: boolean
}

/**
 * Notices that an earlier state of a target was put back, by a sign that this state does not have, and sweeps at once: what had ended
 * may be alive again. What ends after a sign was left is in no sign yet, so it is looked at once more when the next has been left: what was
 * put back before that shows by it, and what is put back later by the sign. However many end meanwhile, it is one sign and one look.
 */
@Injectable()
export class RestoreWatch {
  private readonly rounds = new Rounds(new Logger(RestoreWatch.name), 'looking whether a target was put back')

  constructor(
    private readonly database: UrgentDatabase,
    private readonly connections: Connections,
    private readonly installation: Installation,
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
        if (!missing && !now.outdated && now.sign !== null) return
        const sign = await plugin.leaveSign?.(client, signal)
        if (sign === undefined) return
        // If this fails, the former sign stands, and what ended since is looked at by the next round.
        const standing = !missing && (await this.standsAgain(connection, now, signal))
        const former = { missing: missing || standing, restored: (missing && now.trusted) || standing }
        await this.leave(integration.id, { sign, at: now.lookedAt }, former)
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
       where id = $1 and state <> 'removed' and serves = 'access'
         and (sign_looked_at is null or sign_looked_at < clock_timestamp() - make_interval(secs => $2))
       returning sign, sign_left_at as "leftAt", sign_looked_at as "lookedAt",
         coalesce(sign_left_at > clock_timestamp() - interval '1 h', false) as trusted,
         coalesce(sign_left_at < clock_timestamp() - interval '30 min', true)
           or exists (select 1 from grants g where g.integration_id = i.id and g.ended_at >= i.sign_left_at) as outdated`,
      [integrationId, (EVERY_MS * 0.8) / 1000],
    )
  }

  /** Whether anything that was proved gone since the former sign was left is there once more. */
  private async standsAgain({ plugin, integration, client }: Connection, now: Sign, signal: AbortSignal): Promise<boolean> {
    if (!plugin.standsAgain || now.leftAt === null) return false
    const ended = await rows<{ runId: string }>(
      this.database.pool,
      `select run_id as "runId" from grants
       where integration_id = $1 and ended_at >= $2 and state in ('expired', 'revoked', 'failed')`,
      [integration.id, now.leftAt],
    )
    if (ended.length === 0) return false
    const { instance } = this.installation
    const again = await plugin.standsAgain(client, { instance, runIds: ended.map(({ runId }) => runId) }, signal)
    return again.length > 0
  }

  /**
   * A sign that may have run out while the target was away proves nothing; whatever was put back meanwhile is swept all the same. Its time
   * is that of before it was left, so that nothing ends between the two unseen.
   */
  private async leave(
    integrationId: string,
    { sign, at }: { sign: string; at: Date },
    former: { missing: boolean; restored: boolean },
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      await rows(tx, 'update integrations set sign = $2, sign_left_at = $3 where id = $1', [integrationId, sign, at])
      if (former.restored) await record(tx, { kind: 'target.restored', actor: BROKER, subject: integrationId, data: {} })
      if (!former.missing) return
      await enqueue(tx, [sweepWork(integrationId)])
    })
    if (former.missing) this.work.wake('background')
  }
}
