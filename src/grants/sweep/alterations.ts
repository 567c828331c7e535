import { setTimeout as pause } from 'node:timers/promises'
import { Injectable, Logger } from '@nestjs/common'
import type { Counter } from '@opentelemetry/api'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Journal, noteTarget } from '../../actions/journal.ts'
import { targetsOf } from '../../actions/run-facts.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { mustBeSameTarget, whoAnswers } from '../../actions/whereabouts.ts'
import { BROKER, record } from '../../audit/record.ts'
import type { Connection } from '../../integrations/connections/connections.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { Metrics } from '../../platform/watching/metrics.ts'
import { type Evidence, isBrokerError } from '../../sdk/index.ts'
import { endNow } from '../ending/ending.ts'
import { type Grant, selectGrants } from '../grant.ts'
import type { SweepReport } from './sweep-report.ts'

const AT_ONCE = 4
/** What a node that lags behind needs to catch up. */
const SECOND_LOOK_AFTER_MS = 3_000
/** More at once is more likely a fault of the target's, or of ours, than so many people's work. */
const A_HANDFUL = 5
/** How old a suspicion must be for a later sweep to confirm it. */
const CONFIRMED_AFTER = '5 min'

interface Finding {
  readonly grant: Grant
  readonly wrong: readonly Evidence[]
}

/** Grants whose pieces somebody else changed in the target: what stands there is not what was approved any more, so they end. */
@Injectable()
export class Alterations {
  private readonly log = new Logger(Alterations.name)
  private readonly altered: Counter

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    metrics: Metrics,
  ) {
    this.altered = metrics.counter('latchkey_grants_altered_total', 'grants changed in the target by somebody else')
  }

  /** Nothing ends on one look. `confirmed` says that a person has seen that many are altered and wants them ended. */
  async compare(
    connection: Connection,
    report: SweepReport,
    signal: AbortSignal,
    { confirmed = false }: { confirmed?: boolean } = {},
  ): Promise<void> {
    if (!connection.plugin.grantAccess?.verify) return
    const grants = await selectGrants(
      this.database.pool,
      `g.integration_id = $1 and g.state = 'active' and g.target_until = g.expires_at and g.expires_at > clock_timestamp() + interval '30 s'`,
      [connection.integration.id],
    )
    const here = await whoAnswers(connection, signal)
    const targets = await targetsOf(
      this.database.pool,
      grants.map(({ runId }) => runId),
    )
    for (const { runId } of grants) mustBeSameTarget({ id: runId, target: targets.get(runId) }, here)
    const once = await this.look(connection, grants, signal)
    if (once.length > 0) await pause(SECOND_LOOK_AFTER_MS, undefined, { signal })
    const found = await this.look(
      connection,
      once.map(({ grant }) => grant),
      signal,
      'firsthand',
    )
    await this.forgetSuspicions(connection.integration.id, found)
    const wrong = new Set(found.map(({ grant }) => grant.runId))
    const standing = grants.map(({ runId }) => runId).filter((runId) => !wrong.has(runId) && !targets.has(runId))
    await noteTarget(this.database.pool, standing, here)
    const certain = confirmed || found.length <= A_HANDFUL ? found : await this.suspectedBefore(found)
    for (const finding of certain) await this.end(finding, report)
    const doubtful = found.filter((finding) => !certain.includes(finding))
    if (doubtful.length > 0) await this.raiseAlarm(connection, doubtful, report)
    this.work.wake('cut')
  }

  private async look(
    connection: Connection,
    grants: readonly Grant[],
    signal: AbortSignal,
    firsthand?: 'firsthand',
  ): Promise<Finding[]> {
    const found: Finding[] = []
    await inParallel(grants, AT_ONCE, async (grant) => {
      signal.throwIfAborted()
      const wrong = (await this.verify(connection, grant, firsthand)).filter((piece) => !piece.holds)
      if (wrong.length > 0) found.push({ grant, wrong })
    })
    return found
  }

  private async verify(connection: Connection, grant: Grant, firsthand?: 'firsthand'): Promise<Evidence[]> {
    const steps = await this.journal.steps(this.database.pool, grant.runId)
    const context = this.runner.context(connection, grant.runId, { isOurs: () => true }, grant.targetUntil ?? undefined)
    try {
      return (await grantAccessOf(connection).verify?.({ ...context, firsthand: firsthand !== undefined }, steps)) ?? []
    } catch (error) {
      if (!isBrokerError(error)) throw error
      return [] // the target cannot be asked now; that is not a finding
    }
  }

  private async end({ grant, wrong }: Finding, report: SweepReport): Promise<void> {
    const note = `changed outside the broker: ${wrong.map((piece) => `${piece.artefact} (${piece.observed})`).join(', ')}`
    const ended = await this.database.transaction(async (tx) => {
      // Only if it still stands as it stood when we compared: an extension in between explains the difference.
      const same = await selectGrants(
        tx,
        `g.id = $1 and g.state = 'active' and g.target_until = $2 and g.expires_at = $2 for update`,
        [grant.id, grant.targetUntil],
      )
      if (same.length === 0) return false
      await record(tx, {
        kind: 'grant.altered',
        actor: BROKER,
        subject: grant.id,
        data: { note, pieces: wrong.map(({ artefact, observed }) => ({ artefact, observed })) },
      })
      await endNow(tx, [grant.id], { reason: 'revoked', note })
      return true
    })
    if (!ended) return
    report.altered.push(grant.id)
    this.altered.add(1)
  }

  private async raiseAlarm(connection: Connection, found: readonly Finding[], report: SweepReport): Promise<void> {
    const ids = found.map(({ grant }) => grant.id)
    report.suspected.push(...ids)
    await this.database.transaction(async (tx) => {
      const fresh = await rows<{ id: string }>(
        tx,
        `update grants set suspected_at = clock_timestamp() where id = any($1) and state = 'active' and suspected_at is null returning id`,
        [ids],
      )
      if (fresh.length === 0) return
      this.log.warn(
        { integration: connection.integration.id, count: ids.length },
        'so many grants look altered that none is ended yet',
      )
      await record(tx, {
        kind: 'sweep.alarm',
        actor: BROKER,
        subject: connection.integration.id,
        data: { count: ids.length, note: `${ids.length} grants`, grants: ids.slice(0, 100) },
      })
    })
  }

  private async suspectedBefore(found: readonly Finding[]): Promise<Finding[]> {
    const old = await rows<{ id: string }>(
      this.database.pool,
      `select id from grants where id = any($1) and suspected_at < clock_timestamp() - $2::interval`,
      [found.map(({ grant }) => grant.id), CONFIRMED_AFTER],
    )
    const ids = new Set(old.map(({ id }) => id))
    return found.filter(({ grant }) => ids.has(grant.id))
  }

  private async forgetSuspicions(integrationId: string, found: readonly Finding[]): Promise<void> {
    await rows(
      this.database.pool,
      `update grants set suspected_at = null where integration_id = $1 and suspected_at is not null and id <> all($2)`,
      [integrationId, found.map(({ grant }) => grant.id)],
    )
  }
}
