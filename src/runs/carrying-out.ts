import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { hasUndo } from '../actions/action-of.ts'
import { type HeldRun, mayHaveHappened } from '../actions/action-run.ts'
import { differenceOf } from '../actions/approved.ts'
import { type ShownCalls, shownCalls } from '../actions/calls.ts'
import { Journal } from '../actions/journal.ts'
import { RUN_FACTS } from '../actions/run-facts.ts'
import { ActionRunner } from '../actions/runner.ts'
import { transition } from '../actions/transition.ts'
import { BROKER, record } from '../audit/record.ts'
import { Catalog } from '../catalog/catalog.ts'
import { Directory } from '../identity/directory/directory.ts'
import { haveLeft } from '../identity/directory/leaving.ts'
import { mustBeActive } from '../integrations/connections/connections.ts'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'
import { refusalOfDatabase } from '../platform/postgres/database-errors.ts'
import { BrokerError, type Evidence, isBrokerError, type Step } from '../sdk/index.ts'
import { lockRun, noteFailure, noteProblem, type OrderedRun, RUN_WORK, stamped } from './ordered-run.ts'

const LONGEST_PAUSE_MS = 10_000
/** Of a run whose turn has not come. */
const LONGEST_WAIT_MS = 2_000

const STAYS = 'look at what stands there: it stays as it is until the run is rolled back'

/** Throws why a run is not wanted any more. */
export type StillWanted = (tx: Tx, run: OrderedRun) => Promise<void>

/** A run that goes first, and the thing that both change. */
export interface Earlier {
  readonly id: string
  readonly resource: string
}

/** Answers what has to be done before a run, whichever integration it goes through. */
export type AfterOthers = (tx: Tx, run: OrderedRun) => Promise<Earlier | undefined>

/** Does what was ordered, step by step; what fails on the way is taken back. */
@Injectable()
export class CarryingOut implements OnModuleInit {
  private readonly log = new Logger(CarryingOut.name)
  private stillAllowed: ((tx: Tx, requestId: string) => Promise<void>) | undefined
  private readonly stillWanted = new Map<OrderedRun['startedBy']['kind'], StillWanted>()
  private readonly afterOtherRuns = new Map<OrderedRun['startedBy']['kind'], AfterOthers>()

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly catalog: Catalog,
    private readonly directory: Directory,
  ) {}

  /** Those who know the rules say whether an approved request still may be carried out; by its id. */
  allowedBy(stillAllowed: (tx: Tx, requestId: string) => Promise<void>): void {
    this.stillAllowed = stillAllowed
  }

  /** Who has runs ordered says whether one of them is still wanted. */
  wantedBy(starter: OrderedRun['startedBy']['kind'], stillWanted: StillWanted): void {
    this.stillWanted.set(starter, stillWanted)
  }

  /** Who has runs ordered says which one waits for another, where several integrations lead to one thing. */
  afterOthers(starter: OrderedRun['startedBy']['kind'], afterOthers: AfterOthers): void {
    this.afterOtherRuns.set(starter, afterOthers)
  }

  onModuleInit(): void {
    this.work.handle('run', RUN_WORK.execute, (batch, hold) => each(batch, (work) => this.execute(work, hold)))
  }

  private async execute(work: Work, hold: Hold): Promise<Outcome> {
    const held = await this.database.transaction((tx) => this.claim(tx, work.subject))
    if (held === 'later') return pauseFor(work.attempts, LONGEST_WAIT_MS)
    if (!held) return 'done'
    try {
      await this.runner.execute(held, hold, {
        beforeStep: async (tx) => {
          await this.mustGoOn(tx, held.id)
          return undefined
        },
        whenPlanned: async (tx, connection, steps) => {
          mustBeApproved(await this.mustGoOn(tx, held.id), steps)
          mustBeActive(connection)
        },
        whenExecuted: (tx, _, evidence, calls) => this.done(tx, held, evidence, shownCalls(calls)),
      })
      return 'done'
    } catch (error) {
      return this.afterFailure(held, refusalOfDatabase(error) ?? error, work.attempts)
    }
  }

  /** Hours may lie between an order and the moment when it can be done. Throws why it may not be any more. */
  private async mustGoOn(tx: Tx, id: string): Promise<OrderedRun | undefined> {
    const run = await lockRun(tx, id)
    if (run?.cancel) throw cancelled()
    const wantedBy = run?.orderedBy?.id ?? run?.onBehalfOf
    if (run) await this.stillWanted.get(run.startedBy.kind)?.(tx, run)
    if (run?.requestId) await this.stillAllowed?.(tx, run.requestId)
    else if (run && wantedBy) await this.mustBeAdmin(tx, run, wantedBy)
    return run
  }

  private async mustBeAdmin(tx: Tx, { createdAt }: OrderedRun, id: string): Promise<void> {
    const mayStill = await this.directory.isAdmin(tx, id)
    if (mayStill && !(await haveLeft(tx, [id], createdAt))) return
    throw new BrokerError('access.denied', 'the admin who ordered it was disabled, or is no longer an admin', {
      fix: 'ask another admin to order it, if it is still wanted',
    })
  }

  private async claim(tx: Tx, id: string): Promise<HeldRun | 'later' | undefined> {
    const run = await lockRun(tx, id)
    if (run?.state !== 'pending' && run?.state !== 'executing') return undefined
    if (run.cancel) {
      await this.giveUp(tx, run, cancelled())
      return undefined
    }
    const earlier = run.state === 'pending' ? await this.earlierThan(tx, run) : undefined
    if (earlier) {
      await noteProblem(tx, id, problemOf(waitsFor(earlier)))
      return 'later'
    }
    await rows(tx, 'update ordered_runs set first_tried_at = coalesce(first_tried_at, clock_timestamp()) where id = $1', [id])
    return (await this.journal.claim(tx, [id], ['pending', 'executing'])).get(id)
  }

  /** What is ordered for one thing is done in the order of the orders, however long each of them was tried in vain. */
  private async earlierThan(tx: Tx, run: OrderedRun): Promise<Earlier | undefined> {
    if (run.writes.length === 0) return undefined
    return (await earlierThrough(tx, run)) ?? this.afterOtherRuns.get(run.startedBy.kind)?.(tx, run)
  }

  private async done(tx: Tx, { id }: HeldRun, evidence: readonly Evidence[], calls: ShownCalls): Promise<void> {
    await lockRun(tx, id)
    const done = { evidence, calls }
    await rows(tx, `update ordered_runs set done = ${stamped('$2')}, problem = null where id = $1`, [id, JSON.stringify(done)])
    await this.journal.forgetSealed(tx, id)
    await record(tx, {
      kind: 'run.executed',
      actor: BROKER,
      subject: id,
      data: { evidence: JSON.parse(JSON.stringify(evidence)), calls },
    })
  }

  private async afterFailure(held: HeldRun, error: unknown, attempts: number): Promise<Outcome> {
    if (!(error instanceof BrokerError)) this.log.error({ error, run: held.id }, 'a run met a bug')
    const outcome = await this.database.transaction(async (tx): Promise<Outcome> => {
      const run = await lockRun(tx, held.id)
      const isOurs = (await this.journal.stillOurs(tx, [held])).has(held.id)
      // Whatever went wrong for us, how it goes on is then for others to say.
      if (!run || !isOurs || (run.state !== 'pending' && run.state !== 'executing')) return 'done'
      if (isBrokerError(error, 'run.fenced')) return 1_000
      // What nobody knows the meaning of may pass as well. What was read back and is not as it was written will not.
      const mayPass = !(error instanceof BrokerError) || (error.retryable && error.code !== 'target.unverified')
      if (mayPass && !run.isLate && !run.cancel) {
        await noteProblem(tx, run.id, problemOf(error))
        return pauseFor(attempts, LONGEST_PAUSE_MS)
      }
      await this.giveUp(tx, run, run.cancel ? cancelled() : error)
      return 'done'
    })
    this.work.wake('run')
    return outcome
  }

  /** Ends a run that is not done: what may have happened of it is taken back where that is possible, and otherwise said. */
  private async giveUp(tx: Tx, run: OrderedRun, error: unknown): Promise<void> {
    const keep = isBrokerError(error, 'target.unverified') && !run.undoIfUnverified
    const problem = { ...problemOf(error), ...(keep && { fix: STAYS }) }
    const kind = isBrokerError(error, 'run.cancelled') ? 'run.cancelled' : 'run.failed'
    await noteProblem(tx, run.id, problem)
    await noteFailure(tx, run.id, problem)
    await record(tx, { kind, actor: run.cancel?.by ?? BROKER, subject: run.id, data: { ...problem } })
    const steps = await this.journal.steps(tx, run.id)
    if (!steps.some(mayHaveHappened) || keep || !hasUndo(this.catalog, run)) {
      await this.journal.giveUp(tx, [run.id])
      return
    }
    await transition(tx, [run.id], 'undo')
    const undo = { by: null, reason: problem.message }
    await rows(tx, `update ordered_runs set undo = ${stamped('$2')} where id = $1`, [run.id, JSON.stringify(undo)])
    await record(tx, { kind: 'run.undoing', actor: BROKER, subject: run.id, data: { reason: problem.message } })
    await enqueue(tx, [{ lane: 'run', kind: RUN_WORK.undo, subject: run.id, shard: run.integrationId }])
  }
}

async function earlierThrough(tx: Tx, run: OrderedRun): Promise<Earlier | undefined> {
  const [earlier] = await rows<Earlier>(
    tx,
    `select o.id, (select min(thing) from unnest(o.writes) as thing where thing = any($2)) as resource
     from ordered_runs o join ${RUN_FACTS} r on r.id = o.id
     where o.integration_id = $1 and o.writes && $2 and r.state in ('pending', 'executing')
       and (o.created_at, o.id) < (select created_at, id from ordered_runs where id = $3) limit 1`,
    [run.integrationId, run.writes, run.id],
  )
  return earlier
}

function waitsFor(earlier: Earlier): BrokerError {
  return new BrokerError('run.locked', `${earlier.resource} is to be changed by ${earlier.id} first`, {
    fix: 'wait until that run is over, or cancel it',
  })
}

/** The target may be another by now than when somebody said yes. */
function mustBeApproved(run: OrderedRun | undefined, planned: readonly Step[]): void {
  const excess = run?.approved ? differenceOf(run.approved, planned) : undefined
  if (excess === undefined) return
  throw new BrokerError('access.plan_changed', `it would differ from what was approved: ${excess}`, {
    fix: 'look at what is there now, and order or ask for it again',
  })
}

function cancelled(): BrokerError {
  return new BrokerError('run.cancelled', 'the run was cancelled before it was done')
}
