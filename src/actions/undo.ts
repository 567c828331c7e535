import { Injectable, Logger } from '@nestjs/common'
import { type Connection, Connections } from '../integrations/connections/connections.ts'
import { type Hold, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { inParallel } from '../platform/pacing/in-parallel.ts'
import { type Tx, UrgentDatabase } from '../platform/postgres/database.ts'
import { BrokerError, type Evidence, isBrokerError, isReversible, type TargetIdentity } from '../sdk/index.ts'
import { actionOf } from './action-of.ts'
import { type HeldRun, type JournaledStep, type Mark, mayHaveHappened, powerOf } from './action-run.ts'
import { type Call, openCall, tryAt } from './calls.ts'
import { Journal, noteTarget } from './journal.ts'
import { isOutage, ShardPauses } from './outage.ts'
import { ActionRunner } from './runner.ts'
import { transition } from './transition.ts'
import { mustBeSameTarget, whoAnswers } from './whereabouts.ts'

/** Calls in flight to one target: more does not go faster (a server's policy deletes saturate near this). */
const POWERS_AT_ONCE = 24
const RESTS_AT_ONCE = 12
/** Never so long that the target is well again and nobody notices: what it fails with may hold for every run at once. */
const LONGEST_PAUSE_MS = 5_000
const LONGEST_PAUSE_WHEN_STUCK_MS = 20_000

/** A run on its way back, as this process holds it, and the due work that asks for it. */
export interface Leaving {
  readonly work: Work
  readonly run: HeldRun
  readonly isStuck: boolean
}

/** With what was read back: everything the run made is gone, or may stay. */
export type Proved<L extends Leaving> = L & {
  readonly evidence: readonly Evidence[]
  /** by which it was undone, now and in earlier tries */
  readonly calls: readonly Call[]
  readonly target: TargetIdentity | undefined
  /** what no undoing reaches, as the action says */
  readonly beyond: readonly string[] | undefined
}

/** What the owner of runs adds. All but `failed` happens in the transaction of the journal's own rows; the row of a run's owner is locked first, always. */
export interface UndoHooks<L extends Leaving> {
  lock(tx: Tx, leaving: readonly L[]): Promise<unknown>
  /** why runs are not over, by their ids */
  failed(failed: ReadonlyMap<string, unknown>): Promise<void>
}

/**
 * Takes runs back: what confers power first, for all that are due; then the rest, with proof. Never gives up. A batch is of one
 * integration.
 */
@Injectable()
export class Undo {
  private readonly log = new Logger(Undo.name)
  private readonly pauses = new ShardPauses()

  constructor(
    private readonly database: UrgentDatabase,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly connections: Connections,
  ) {}

  /** Takes runs that are being undone into this process and journals which steps are about to be: those that confer power, or all. */
  async begin(tx: Tx, runIds: readonly string[], which: 'power' | 'all'): Promise<Map<string, HeldRun>> {
    const runs = await this.journal.claim(tx, runIds, ['undoing', 'stuck'])
    const meant = [...runs.values()].flatMap((run) =>
      meantOf(run, which).map((step) => ({ ...refOf(run, step), calls: [openCall('undo', tryAt(run, step), step.target)] })),
    )
    await this.journal.mark(tx, meant, 'undoing')
    return runs
  }

  /** Undoes what confers power. `powerless` is called with the runs that were still ours when that was written down. */
  async takePower<L extends Leaving>(
    leaving: readonly L[],
    hold: Hold,
    hooks: UndoHooks<L> & { powerless(tx: Tx, done: readonly L[]): Promise<void> },
  ): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>()
    const made: Made = new Map()
    const reached = await this.reach(leaving, 'power', made, hold, outcomes, hooks)
    if (!reached) return outcomes
    const { connection, target } = reached
    const cut: L[] = []
    const failed = await this.forEach(leaving, POWERS_AT_ONCE, hold, outcomes, async (one) => {
      mustBeSameTarget(one.run, target)
      await this.runner.undo(connection, one.run, meantOf(one.run, 'power'), hold, madeFor(one.run, made))
      cut.push(one)
    })
    await this.database.transaction(async (tx) => {
      const done = await this.stillOurs(tx, cut, hooks)
      await this.journal.mark(
        tx,
        done.flatMap(({ run }) => powerOf(run.steps).map((step) => markOf(run, step, made.get(run.id)))),
        'undone',
      )
      await hooks.powerless(tx, done)
      await noteTarget(
        tx,
        done.map(({ run }) => run.id),
        target,
      )
    })
    await this.keep(leaving, 'power', made, failed)
    await hooks.failed(failed)
    return outcomes
  }

  /** Undoes everything that is left and reads back that it is gone. `gone` is called with the runs that are over. */
  async finish<L extends Leaving>(
    leaving: readonly L[],
    hold: Hold,
    hooks: UndoHooks<L> & { gone(tx: Tx, proved: readonly Proved<L>[]): Promise<void> },
  ): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>()
    const made: Made = new Map()
    const reached = await this.reach(leaving, 'all', made, hold, outcomes, hooks)
    if (!reached) return outcomes
    const { connection, target } = reached
    const proved: Proved<L>[] = []
    const failed = await this.forEach(leaving, RESTS_AT_ONCE, hold, outcomes, async (one) => {
      mustBeSameTarget(one.run, target)
      const now = madeFor(one.run, made)
      const proof = await this.finishOne(connection, one, hold, now)
      const before = one.run.steps.flatMap(({ calls }) => calls.filter(({ to }) => to === 'undo'))
      proved.push({ ...one, target, ...proof, calls: [...before, ...[...now.values()].flat()] })
    })
    await this.database.transaction(async (tx) => {
      const done = await this.stillOurs(tx, proved, hooks)
      await this.journal.mark(
        tx,
        done.flatMap(({ run }) => run.steps.map((step) => markOf(run, step, made.get(run.id)))),
        'undone',
      )
      await transition(
        tx,
        done.map(({ run }) => run.id),
        'settle',
      )
      await hooks.gone(tx, done)
    })
    await this.keep(leaving, 'all', made, failed)
    await hooks.failed(failed)
    return outcomes
  }

  private async finishOne(
    connection: Connection,
    { work, run }: Leaving,
    hold: Hold,
    made: Map<number, readonly Call[]>,
  ): Promise<Pick<Proved<Leaving>, 'evidence' | 'beyond'>> {
    // Was something still there, then whatever was undone before may have come back: a call that was late, or somebody's hand.
    const isFirstTry = work.attempts === 1
    const steps = run.steps.filter((step) => mayHaveHappened(step) || (step.state === 'undone' && !isFirstTry))
    await this.runner.undo(connection, run, steps, hold, made)
    const action = actionOf(connection, run.action)
    const context = this.runner.context(connection, run.id, hold)
    const evidence = (isReversible(action) && (await action.verifyGone?.(context, run.steps))) || []
    const left = stillThere(evidence)
    if (left.length === 0) return { evidence, beyond: beyondOf(action) }
    throw new BrokerError(
      'target.incomplete',
      `still there: ${left.map((piece) => `${piece.artefact} (${piece.observed})`).join(', ')}`,
    )
  }

  private async stillOurs<L extends Leaving, One extends L>(
    tx: Tx,
    leaving: readonly One[],
    hooks: UndoHooks<L>,
  ): Promise<One[]> {
    await hooks.lock(tx, leaving)
    const ours = await this.journal.stillOurs(
      tx,
      leaving.map(({ run }) => run),
    )
    return leaving.filter(({ run }) => ours.has(run.id))
  }

  /** The connection of a batch's one integration, and which system answers; without both, everything in the batch waits a little. */
  private async reach<L extends Leaving>(
    leaving: readonly L[],
    which: 'power' | 'all',
    made: Made,
    hold: Hold,
    outcomes: Map<string, Outcome>,
    hooks: UndoHooks<L>,
  ): Promise<{ connection: Connection; target: TargetIdentity | undefined } | undefined> {
    try {
      const connection = await this.connections.use(leaving[0]!.run.integrationId)
      return { connection, target: await whoAnswers(connection) }
    } catch (error) {
      const failed = await this.forEach(leaving, 1, hold, outcomes, () => Promise.reject(error))
      await this.keep(leaving, which, made, failed)
      await hooks.failed(failed)
      return undefined
    }
  }

  /** What was done for it is kept, too, where a run could not be taken back; and that nothing was. */
  private async keep(leaving: readonly Leaving[], which: 'power' | 'all', made: Made, failed: ReadonlyMap<string, unknown>) {
    const runs = leaving.map(({ run }) => run).filter(({ id }) => failed.has(id))
    if (runs.length === 0) return
    await this.database.transaction(async (tx) => {
      const ours = await this.journal.stillOurs(tx, runs)
      const kept = runs.filter(({ id }) => ours.has(id))
      await this.journal.mark(
        tx,
        kept.flatMap((run) => meantOf(run, which).map((step) => markOf(run, step, made.get(run.id)))),
        'undoing',
      )
    })
  }

  /** One after another and some at once; what fails is put off. When the target is down the rest is not even tried. */
  private async forEach<L extends Leaving>(
    leaving: readonly L[],
    atOnce: number,
    hold: Hold,
    outcomes: Map<string, Outcome>,
    undo: (one: L) => Promise<void>,
  ): Promise<Map<string, unknown>> {
    const shard = leaving[0]!.work.shard
    const failed = new Map<string, unknown>()
    let outage: unknown
    await inParallel(leaving, atOnce, async (one) => {
      try {
        if (outage) throw outage
        await undo(one)
      } catch (error) {
        if (isOutage(error)) outage = error
        failed.set(one.run.id, error)
        if (isBrokerError(error, 'run.fenced')) return void outcomes.set(one.work.id, 1_000)
        if (!(error instanceof BrokerError)) this.log.error({ error, run: one.run.id }, 'undoing a run met a bug')
        const longest = one.isStuck ? LONGEST_PAUSE_WHEN_STUCK_MS : LONGEST_PAUSE_MS
        outcomes.set(one.work.id, outage ? this.pauses.current(shard) : pauseFor(one.work.attempts, longest))
      }
    })
    if (!outage) this.pauses.over(shard)
    if (outage) hold.pauseShard(this.pauses.longer(shard))
    return failed
  }
}

/** Of what was looked at, what is neither gone nor may stay. */
export function stillThere(evidence: readonly Evidence[]): Evidence[] {
  return evidence.filter((piece) => !piece.holds && piece.mayStay === undefined)
}

const refOf = (run: HeldRun, step: { position: number }) => ({ run: run.id, position: step.position })

/** What is about to be undone, and was not undone before. */
function meantOf(run: HeldRun, which: 'power' | 'all'): readonly JournaledStep[] {
  return (which === 'power' ? powerOf(run.steps) : run.steps).filter(mayHaveHappened)
}

/** By run and step. */
type Made = Map<string, Map<number, readonly Call[]>>

function madeFor({ id }: HeldRun, made: Made): Map<number, readonly Call[]> {
  const steps = made.get(id) ?? new Map<number, readonly Call[]>()
  made.set(id, steps)
  return steps
}

function markOf(run: HeldRun, step: { position: number }, made: ReadonlyMap<number, readonly Call[]> | undefined): Mark {
  return { ...refOf(run, step), try: tryAt(run, step), calls: made?.get(step.position) ?? [] }
}

function beyondOf(action: object): readonly string[] | undefined {
  return 'beyondTheEnd' in action ? (action.beyondTheEnd as readonly string[] | undefined) : undefined
}
