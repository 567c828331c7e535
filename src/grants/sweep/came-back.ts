import { Injectable, Logger } from '@nestjs/common'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Journal } from '../../actions/journal.ts'
import { targetsOf } from '../../actions/run-facts.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { stillThere } from '../../actions/undo.ts'
import { isSameTarget, whoAnswers } from '../../actions/whereabouts.ts'
import { BROKER, record } from '../../audit/record.ts'
import type { Connection } from '../../integrations/connections/connections.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { BrokerError, type TargetIdentity } from '../../sdk/index.ts'
import { pieceOf } from '../ending/receipt.ts'
import { type Grant, selectGrants } from '../grant.ts'
import type { SweepReport } from './sweep-report.ts'

const MOST_AT_ONCE = 200

/** Grants that were written off, when their system answers again after all: what is left of them there is taken away, with proof. */
@Injectable()
export class CameBack {
  private readonly log = new Logger(CameBack.name)

  constructor(
    private readonly database: Database,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
  ) {}

  /** Of those whose system is not recorded only what bears the broker's mark is found, by the sweep of strays: nothing is proved for them. */
  async look(connection: Connection, report: SweepReport, signal: AbortSignal): Promise<void> {
    const writtenOff = await selectGrants(
      this.database.pool,
      `g.integration_id = $1 and g.state = 'written_off' and g.came_back_at is null order by g.id limit $2`,
      [connection.integration.id, MOST_AT_ONCE],
    )
    if (writtenOff.length === 0) return
    const targets = await targetsOf(
      this.database.pool,
      writtenOff.map(({ runId }) => runId),
    )
    const here = await whoAnswers(connection, signal)
    if (!here) return
    for (const grant of writtenOff) {
      const target = targets.get(grant.runId)
      if (!target || !isSameTarget(target, here)) continue
      signal.throwIfAborted()
      try {
        await this.takeAway(connection, grant, here, report)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        this.log.warn({ error, grant: grant.id }, 'what is left of a grant that was written off could not be removed')
        report.left.push(`what is left of ${grant.id}`)
      }
    }
  }

  private async takeAway(connection: Connection, grant: Grant, here: TargetIdentity, report: SweepReport): Promise<void> {
    const action = grantAccessOf(connection)
    const steps = await this.journal.steps(this.database.pool, grant.runId)
    const context = () => this.runner.context(connection, grant.runId, { isOurs: () => true })
    const found = stillThere((await action.verifyGone?.(context(), steps)) ?? [])
    for (const step of steps.toReversed()) await action.rollback(context(), step, step.record)
    const evidence = (await action.verifyGone?.(context(), steps)) ?? []
    const left = stillThere(evidence).map(({ artefact }) => artefact)
    report.left.push(...left)
    report.removed.push(...found.map(({ artefact }) => artefact).filter((artefact) => !left.includes(artefact)))
    if (left.length > 0) return
    const cameBack = { target: here, evidence: evidence.map(pieceOf) }
    await this.database.transaction(async (tx) => {
      const proved = await rows(
        tx,
        `update grants set came_back_at = clock_timestamp(),
           receipt = receipt || jsonb_build_object('cameBack', $2::jsonb || jsonb_build_object('at',
             to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
         where id = $1 and state = 'written_off' and came_back_at is null returning id`,
        [grant.id, JSON.stringify(cameBack)],
      )
      if (proved.length === 0) return
      await record(tx, {
        kind: 'grant.came_back',
        actor: BROKER,
        subject: grant.id,
        data: { removed: found.map(({ artefact }) => artefact), cameBack },
      })
    })
  }
}
