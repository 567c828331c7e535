import { Injectable } from '@nestjs/common'
import { Journal } from '../actions/journal.ts'
import { record } from '../audit/record.ts'
import type { RunView } from '../contract/runs.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { lockRun, noteFailure, noteProblem, type OrderedRun, RUN_WORK, stamped } from './ordered-run.ts'
import { RunViews } from './run-views.ts'

const WHAT_INSTEAD: Readonly<Record<string, string>> = {
  executed: 'roll the run back instead',
  undoing: 'it is being undone: wait for that; if it gets stuck, cancel it then',
}

/**
 * Stops a run that is not done: at once while nothing was done, otherwise between two of its steps. Of one that cannot be undone it stops
 * the trying.
 */
@Injectable()
export class Cancelling {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly views: RunViews,
  ) {}

  async cancel(caller: Caller, id: string): Promise<RunView> {
    const view = await this.database.transaction((tx) => this.stop(tx, caller.id, id))
    this.work.wake('run')
    return view
  }

  /** The same in the caller's transaction, who wakes the lane. */
  async stop(tx: Tx, by: string, id: string): Promise<RunView> {
    const run = await lockRun(tx, id)
    if (!run) throw new BrokerError('not_found', `there is no run ${id}`)
    if (run.state === 'stuck') return this.stopUndoing(tx, by, run)
    if (run.state !== 'pending' && run.state !== 'executing') {
      throw new BrokerError('conflict', `the run is ${run.state}`, {
        fix: WHAT_INSTEAD[run.state] ?? 'it is over, so nothing can be cancelled',
      })
    }
    const cancel = { by }
    await rows(tx, `update ordered_runs set cancel = coalesce(cancel, ${stamped('$2')}) where id = $1`, [
      id,
      JSON.stringify(cancel),
    ])
    if (run.state === 'pending') {
      await this.journal.giveUp(tx, [id])
      const message = 'the run was cancelled before anything was done'
      await noteProblem(tx, id, { code: 'run.cancelled', message })
      await noteFailure(tx, id, { code: 'run.cancelled', message })
      await record(tx, { kind: 'run.cancelled', actor: by, subject: id, data: { message } })
    } else {
      await enqueue(tx, [{ lane: 'run', kind: RUN_WORK.execute, subject: id, shard: run.integrationId }])
    }
    return this.views.one(id, tx)
  }

  /** What is left stays where it is, and may be taken back another time. */
  private async stopUndoing(tx: Tx, by: string, { id, problem }: OrderedRun): Promise<RunView> {
    await this.journal.giveUpForNow(tx, [id])
    const message = `the broker no longer tries to undo it, and something of it may be in the target: ${problem?.message ?? 'it was stuck'}`
    const told = { code: 'run.cancelled', message, fix: 'roll the run back again once the target answers' }
    await noteProblem(tx, id, told)
    await record(tx, { kind: 'run.cancelled', actor: by, subject: id, data: told })
    return this.views.one(id, tx)
  }
}
