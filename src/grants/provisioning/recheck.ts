import { Injectable, type OnModuleInit } from '@nestjs/common'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Journal } from '../../actions/journal.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { stillThere } from '../../actions/undo.ts'
import { mustAnswer } from '../../actions/whereabouts.ts'
import { BROKER, record } from '../../audit/record.ts'
import { Connections } from '../../integrations/connections/connections.ts'
import { each, type Hold, type Outcome, type Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { UrgentDatabase } from '../../platform/postgres/database.ts'
import { GRANT_WORK, selectGrants } from '../grant.ts'

/** Looks once more at grants for which somebody acted late. */
@Injectable()
export class Recheck implements OnModuleInit {
  constructor(
    private readonly database: UrgentDatabase,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly connections: Connections,
  ) {}

  onModuleInit(): void {
    this.work.handle('clean', GRANT_WORK.recheck, (batch, hold) => each(batch, (work) => this.recheck(work, hold)))
  }

  /** Undoes every step of a grant that is over already, because something may have been done for it since. */
  private async recheck(work: Work, hold: Hold): Promise<Outcome> {
    const [grant] = await selectGrants(this.database.pool, 'g.id = $1', [work.subject])
    if (!grant || !['revoking', 'stuck', 'expired', 'revoked', 'failed', 'written_off'].includes(grant.state)) return 'done'
    if (!grant.endedAt) return 500 // its own clean-up may have proved it gone before we acted: look again when that is over
    const connection = await this.connections.use(grant.integrationId)
    const action = grantAccessOf(connection)
    await mustAnswer(this.database.pool, connection, grant.runId)
    const steps = await this.journal.steps(this.database.pool, grant.runId)
    const context = () => this.runner.context(connection, grant.runId, hold)
    const found = stillThere((await action.verifyGone?.(context(), steps)) ?? [])
    if (found.length === 0) return 'done'
    for (const step of steps.toReversed()) await action.rollback(context(), step, undefined)
    await this.database.transaction((tx) =>
      record(tx, {
        kind: 'grant.rechecked',
        actor: BROKER,
        subject: grant.id,
        data: { removed: found.map((piece) => piece.artefact) },
      }),
    )
    return 0
  }
}
