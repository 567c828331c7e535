import { Injectable, type OnModuleInit } from '@nestjs/common'
import { actionOf } from '../actions/action-of.ts'
import type { HeldRun } from '../actions/action-run.ts'
import { shownCalls } from '../actions/calls.ts'
import { Journal } from '../actions/journal.ts'
import { lockResources } from '../actions/locks.ts'
import { targetsOf } from '../actions/run-facts.ts'
import { ActionRunner } from '../actions/runner.ts'
import { transition } from '../actions/transition.ts'
import { type Leaving, type Proved, Undo } from '../actions/undo.ts'
import { isSameTarget, whoAnswers } from '../actions/whereabouts.ts'
import { BROKER, record } from '../audit/record.ts'
import type { ChangeKind } from '../changes/change-kind.ts'
import { FourEyes } from '../changes/four-eyes.ts'
import type { Held } from '../changes/held.ts'
import { type RunRollback, type RunView, runRollback } from '../contract/runs.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { Connections } from '../integrations/connections/connections.ts'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError, isBrokerError, isReversible, type Outlook } from '../sdk/index.ts'
import { ComingBack } from './coming-back.ts'
import {
  isThere,
  lockOrdered,
  lockRun,
  noteFailure,
  noteProblem,
  type OrderedRun,
  type Problem,
  RUN_WORK,
  stamped,
} from './ordered-run.ts'
import { RunViews } from './run-views.ts'

const LONGEST_PAUSE_MS = 10_000

/** With what is to be known of what would come back. */
export interface Prospect extends Outlook {
  readonly warnings: readonly string[]
}

interface LeavingRun extends Leaving {
  readonly ordered: OrderedRun
}

/** Takes runs back: because an admin says so, or because they failed on the way. */
@Injectable()
export class TakingBack implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly undo: Undo,
    private readonly connections: Connections,
    private readonly views: RunViews,
    private readonly fourEyes: FourEyes,
    private readonly comingBack: ComingBack,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.rollingBack)
    this.work.handle('run', RUN_WORK.undo, (batch, hold) => each(batch, (work) => this.takeBack(work, hold)))
  }

  /** Whether it can be taken back as things stand in the target now, and what would be there afterwards. Writes nothing. */
  async outlook(id: string): Promise<Prospect> {
    const outlook = await this.ask(id)
    return { ...outlook, warnings: await this.comingBack.warningsOf(outlook) }
  }

  private async ask(id: string): Promise<Outlook> {
    const run = await this.views.find(id)
    const not = (because: string): Outlook => ({ isPossible: false, because, restores: [] })
    if (run.isForgotten)
      return not('the run failed so long ago that it is no longer known whether something of it is in the target')
    if (run.state === 'failed' && !run.isLeft) return not('the run failed, and nothing of it is in the target')
    if (run.isOrphaned) return not('its integration was removed')
    if (!isThere(run)) return not(`the run is ${run.state}`)
    const connection = await this.connections.use(run.integrationId)
    const action = actionOf(connection, run.action)
    if (!isReversible(action)) return not(action.irreversible)
    const recorded = (await targetsOf(this.database.pool, [id])).get(id)
    if (!isSameTarget(recorded, await whoAnswers(connection)))
      return not('a different system answers than the one in which it was done')
    const steps = await this.journal.steps(this.database.pool, id)
    try {
      const asked = await action.outlook?.(this.runner.context(connection, id, { isOurs: () => true }), steps)
      if (asked) return asked
    } catch (error) {
      if (!isBrokerError(error, 'target.denied')) throw error
      return not(error.fix ? `${error.message}: ${error.fix}` : error.message) // rights that were taken since
    }
    return { isPossible: true, because: 'the target will only be asked when the run is undone', restores: [] }
  }

  /** whether a second admin must accept a way back */
  get needsTwo(): boolean {
    return this.fourEyes.areOn
  }

  order(caller: Caller, id: string, rollback: RunRollback): Promise<RunView | Held> {
    return this.fourEyes.submit(caller, this.rollingBack, id, rollback)
  }

  private readonly rollingBack: ChangeKind<RunRollback, RunView> = {
    kind: 'run.roll_back',
    roles: ['admin'],
    parse: (body) => runRollback.parse(body),
    repeatable: {
      keyOf: ({ idempotencyKey: key, ...body }) => (key === undefined ? undefined : { key, body }),
      idOf: ({ id }) => id,
      find: (id) => this.views.one(id),
    },
    summary: async (id, { reason }) => {
      const { action, concerns } = await this.views.find(id!)
      const { restores, warnings } = await this.mustBePossible(id!)
      return {
        action,
        concerns: concerns.map(({ name }) => name),
        reason,
        restores: restores.map(({ summary }) => summary),
        ...(warnings.length > 0 && { warnings: [...warnings] }),
      }
    },
    prepare: async (by, id, { reason }) => {
      await this.mustBePossible(id!)
      return { write: (tx) => this.begun(tx, by, id!, reason), afterwards: () => this.work.wake('run') }
    },
  }

  private async mustBePossible(id: string): Promise<Prospect> {
    const outlook = await this.outlook(id)
    if (outlook.isPossible) return outlook
    throw new BrokerError('conflict', `the run cannot be undone: ${outlook.because ?? 'nothing is left to undo'}`, {
      fix: outlook.fix ?? 'look at the target, and order a run that writes what should be there',
    })
  }

  /** The same for one who has looked at it already: a person, or null where the broker decides. */
  async orderedBack(by: string | null, id: string, reason: string): Promise<RunView> {
    const view = await this.database.transaction((tx) => this.begun(tx, by, id, reason))
    this.work.wake('run')
    return view
  }

  /** The same in the caller's transaction, who wakes the lane. */
  async begun(tx: Tx, by: string | null, id: string, reason: string): Promise<RunView> {
    const run = await lockRun(tx, id)
    const event = run?.state === 'failed' ? 'take_back' : 'undo'
    if (!run || (await transition(tx, isThere(run) ? [id] : [], event)).length === 0) {
      throw new BrokerError('conflict', `the run is now ${run?.state ?? 'gone'}`, { fix: 'look at the run again' })
    }
    // What failed under an older release says so in its problem alone.
    if (run.state === 'failed' && run.done === null && run.problem !== null) await noteFailure(tx, id, run.problem)
    const undo = { by, reason }
    await rows(tx, `update ordered_runs set undo = ${stamped('$2')}, problem = null where id = $1`, [id, JSON.stringify(undo)])
    await record(tx, { kind: 'run.undoing', actor: by ?? BROKER, subject: id, data: { reason } })
    await enqueue(tx, [{ lane: 'run', kind: RUN_WORK.undo, subject: id, shard: run.integrationId }])
    return this.views.one(id, tx)
  }

  private async takeBack(work: Work, hold: Hold): Promise<Outcome> {
    const begun = await this.begin(work).catch(async (error: unknown) => {
      if (!isBrokerError(error, 'run.locked')) throw error
      await noteProblem(this.database.pool, work.subject, problemOf(error))
      return 'locked' as const
    })
    if (begun === 'locked') return pauseFor(work.attempts, LONGEST_PAUSE_MS)
    if (!begun) return 'done'
    const outcomes = await this.undo.finish([begun], hold, {
      lock: (tx) => lockOrdered(tx, [begun.run.id]),
      gone: (tx, proved) => this.gone(tx, proved),
      failed: (failed) => this.failed(begun, failed.get(begun.run.id)),
    })
    return outcomes.get(work.id) ?? 'done'
  }

  private begin(work: Work): Promise<LeavingRun | undefined> {
    return this.database.transaction(async (tx) => {
      const ordered = await lockRun(tx, work.subject)
      if (ordered?.state !== 'undoing' && ordered?.state !== 'stuck') return undefined
      const run = (await this.undo.begin(tx, [ordered.id], 'all')).get(ordered.id)
      if (!run) return undefined
      // Let go when it was done: meanwhile another run may have come, which must be over first.
      if (ordered.writes.length > 0) await lockResources(tx, run, ordered.writes)
      return { work, run, ordered, isStuck: ordered.state === 'stuck' }
    })
  }

  private async gone(tx: Tx, proved: readonly Proved<LeavingRun>[]): Promise<void> {
    for (const { run, ordered, evidence, calls: made } of proved) {
      const calls = shownCalls(made)
      const undone = { evidence, calls }
      const problem = ordered.undo?.by === null ? ordered.failure : null // why it was taken back stays to be read
      await rows(tx, `update ordered_runs set undone = ${stamped('$2')}, problem = $3 where id = $1`, [
        run.id,
        JSON.stringify(undone),
        problem && JSON.stringify(problem),
      ])
      await record(tx, {
        kind: 'run.undone',
        actor: BROKER,
        subject: run.id,
        data: { reason: ordered.undo?.reason, evidence: JSON.parse(JSON.stringify(evidence)), calls },
      })
    }
  }

  /** The target is asked again and again, unless it has said no: then nothing of it was undone, or a person must look. */
  private async failed({ run, ordered }: LeavingRun, error: unknown): Promise<void> {
    if (error === undefined || isBrokerError(error, 'run.fenced')) return
    const problem = problemOf(error)
    const isNo = error instanceof BrokerError && !error.retryable
    await this.database.transaction(async (tx) => {
      await lockOrdered(tx, [run.id])
      if (!(await this.journal.stillOurs(tx, [run])).has(run.id)) return
      await noteProblem(tx, run.id, isNo ? withItsCause(ordered, problem) : problem)
      if (isNo) return this.refused(tx, run, ordered, problem)
      if (!ordered.isOverdue) return
      const stuck = await transition(tx, [run.id], 'overdue')
      if (stuck.length > 0) await record(tx, { kind: 'run.stuck', actor: BROKER, subject: run.id, data: { ...problem } })
    })
  }

  /** Asking again would change nothing. The run rests, and a person may have it taken back once they have looked. */
  private async refused(tx: Tx, run: HeldRun, ordered: OrderedRun, problem: Problem): Promise<void> {
    // Of several steps nobody knows which were undone before the one that was refused.
    if (ordered.done !== null && run.steps.length === 1) {
      await transition(tx, [run.id], 'refuse')
      await this.journal.mark(tx, [{ run: run.id, position: run.steps[0]!.position }], 'executed')
    } else {
      await this.journal.giveUpForNow(tx, [run.id])
    }
    await record(tx, { kind: 'run.refused', actor: BROKER, subject: run.id, data: { ...problem } })
  }
}

/** Why a run failed matters more than why it is not back: what to do hangs on that. */
function withItsCause({ failure }: OrderedRun, refusal: Problem): Problem {
  if (failure === null) return refusal
  if (failure.message === refusal.message) return failure
  return {
    ...refusal,
    message: `${failure.message}; undoing it was refused: ${refusal.message}`,
    fix: failure.fix ?? refusal.fix,
  }
}
