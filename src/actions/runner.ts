import { Injectable } from '@nestjs/common'
import { type Connection, Connections } from '../integrations/connections/connections.ts'
import type { Hold } from '../platform/due/due-lane.ts'
import { Stopping } from '../platform/due/stopping.ts'
import { Installation } from '../platform/installation/installation.ts'
import { deadline } from '../platform/pacing/deadline.ts'
import { TimeLeft } from '../platform/pacing/time-left.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import {
  type AnyAction,
  BrokerError,
  type Evidence,
  isReversible,
  type Json,
  parseJson,
  type RunContext,
  type Step,
  type StepRecord,
  type TargetIdentity,
} from '../sdk/index.ts'
import { actionOf, planOf, readInput } from './action-of.ts'
import type { HeldRun, JournaledStep, Mark } from './action-run.ts'
import { type Call, Calls, openCall, tryAt } from './calls.ts'
import { Journal, noteTarget } from './journal.ts'
import { lockResources } from './locks.ts'
import { fenced, move } from './transition.ts'
import { mustBeSameTarget, whoAnswers } from './whereabouts.ts'

/** What the owner of a run adds to the journal's transactions, before the run's own rows: its owner's row is locked first, always. */
export interface RunHooks {
  /** before each attempt at a step; answers when the access ends, for grants */
  beforeStep?(tx: Tx, step: JournaledStep): Promise<TimeLeft | undefined>
  /** with the plan, before anything of it is done; throws what stands against it */
  whenPlanned?(tx: Tx, connection: Connection, steps: readonly Step[]): Promise<void>
  /** with the outcome of the last step: through which connection it was done, what was read back, and by which calls it was done */
  whenExecuted?(tx: Tx, connection: Connection, evidence: readonly Evidence[], calls: readonly Call[]): Promise<void>
}

/** What came of a step. */
type Outcome = Omit<Mark, 'run'>

/** How long one call of an action may take, in milliseconds. */
const PATIENCE_MS = 45_000

/** Takes runs forward step by step: the intent is committed before the call, the outcome after it. */
@Injectable()
export class ActionRunner {
  constructor(
    private readonly database: Database,
    private readonly journal: Journal,
    private readonly connections: Connections,
    private readonly installation: Installation,
    private readonly stopping: Stopping,
  ) {}

  /** From wherever the run stands to executed. Throws `run.fenced` once somebody else holds it. */
  async execute(run: HeldRun, hold: Pick<Hold, 'isOurs'>, hooks: RunHooks = {}): Promise<void> {
    const connection = await this.connections.use(run.integrationId)
    const action = actionOf(connection, run.action)
    const target = await whoAnswers(connection)
    mustBeSameTarget(run, target)
    const held = run.state === 'pending' ? await this.plan(connection, action, run, hold, target, hooks) : run
    let last: Outcome | undefined
    const records = new Map<number, Json | undefined>()
    const made = held.steps.flatMap(({ calls }) => calls)
    for (const step of held.steps) {
      if (step.state === 'executed') continue
      const until = await this.database.transaction((tx) => this.intend(tx, held, step, last, hooks))
      const calls = new Calls('do', tryAt(held, step))
      const context = {
        ...this.context(connection, held.id, hold, until),
        again: step.state === 'executing',
        nextCallId: calls.nextId,
        noted: calls.noted,
        remember: this.remembering(held, step, 'executing'),
      }
      const done: StepRecord = await action
        .execute(context, step)
        .catch((error: unknown) => this.keep(held, step, calls.all, error))
      last = { ...done, position: step.position, try: tryAt(held, step), calls: calls.all }
      records.set(step.position, done.record)
      made.push(...calls.all)
    }
    const marks = last ? [{ run: held.id, ...last }] : []
    const steps = held.steps.map((step) => ({ ...step, record: records.get(step.position) ?? step.record }))
    const isReadBack = action !== connection.plugin.grantAccess && action.verify !== undefined
    const evidence = isReadBack ? await this.verify(connection, action, held, steps, marks, hold) : []
    await this.database.transaction(async (tx) => {
      await hooks.whenExecuted?.(tx, connection, evidence, made)
      await move(tx, held, 'finish')
      await noteTarget(tx, [held.id], target)
      if (!isReadBack) await this.journal.mark(tx, marks, 'executed')
    })
  }

  /** What was done is kept, too, where the action failed; and that nothing was. */
  private async keep(held: HeldRun, step: JournaledStep, calls: readonly Call[], error: unknown): Promise<never> {
    await this.database.transaction(async (tx) => {
      if (!(await this.journal.stillOurs(tx, [held])).has(held.id)) return
      await this.journal.mark(tx, [{ run: held.id, position: step.position, try: tryAt(held, step), calls }], 'executing')
    })
    throw error
  }

  /** What a step says of itself while it is under way, for the next try. */
  private remembering(run: HeldRun, step: JournaledStep, state: 'executing' | 'undoing') {
    return (record: Json) =>
      this.database.transaction(async (tx) => {
        if (!(await this.journal.stillOurs(tx, [run])).has(run.id)) throw fenced(run.id)
        await this.journal.mark(tx, [{ run: run.id, position: step.position, record }], state)
      })
  }

  private async plan(
    connection: Connection,
    action: AnyAction<unknown>,
    run: HeldRun,
    hold: Pick<Hold, 'isOurs'>,
    target: TargetIdentity | undefined,
    hooks: RunHooks,
  ): Promise<HeldRun> {
    const input = await readInput(action, run.sealedInput ? parseJson(run.sealedInput.reveal()) : run.input)
    const resources = action.writes?.(input) ?? []
    if (resources.length > 0) await this.database.transaction((tx) => lockResources(tx, run, resources))
    const steps = await planOf(connection, action, this.context(connection, run.id, hold), input)
    return this.database.transaction(async (tx) => {
      await hooks.whenPlanned?.(tx, connection, steps)
      return this.journal.plan(tx, run, steps, target)
    })
  }

  /** Success is what was read back. Access is read back by the sweep, as somebody waits for it: what it writes has no power elsewhere. */
  private async verify(
    connection: Connection,
    action: AnyAction<unknown>,
    run: HeldRun,
    steps: readonly JournaledStep[],
    marks: readonly Mark[],
    hold: Pick<Hold, 'isOurs'>,
  ): Promise<readonly Evidence[]> {
    await this.database.transaction(async (tx) => {
      await this.journal.hold(tx, run)
      await this.journal.mark(tx, marks, 'executed')
    })
    const evidence = (await action.verify?.(this.context(connection, run.id, hold), steps)) ?? []
    const wrong = evidence.filter((piece) => !piece.holds)
    if (wrong.length === 0) return evidence
    throw new BrokerError(
      'target.unverified',
      `what was read back is not what was written: ${wrong.map((piece) => `${piece.artefact} (${piece.observed})`).join(', ')}`,
    )
  }

  /** What an action is given for one call on behalf of a run. */
  context(
    connection: Connection,
    runId: string,
    hold: Pick<Hold, 'isOurs'>,
    until?: Date | TimeLeft,
    patienceMs = PATIENCE_MS,
  ): RunContext<unknown> {
    return {
      client: connection.client,
      runId,
      instance: this.installation.instance,
      until: until instanceof TimeLeft ? until.at : until,
      ...(until instanceof TimeLeft && { msLeft: () => until.ms() }),
      signal: AbortSignal.any([deadline(patienceMs), this.stopping.lastCall]),
      stillMine: () => {
        if (!hold.isOurs()) throw fenced(runId)
      },
    }
  }

  /**
   * Undoes the given steps of one run, last first, whether or not they were undone before. Their intent must be in the journal. Puts down
   * in `made` by which calls, also of a step that could not be undone.
   */
  async undo(
    connection: Connection,
    run: HeldRun,
    steps: readonly JournaledStep[],
    hold: Pick<Hold, 'isOurs'>,
    made: Map<number, readonly Call[]>,
  ): Promise<void> {
    const action = actionOf(connection, run.action)
    if (!isReversible(action)) throw new TypeError(`${run.action} cannot be undone: ${action.irreversible}`)
    for (const step of steps.toReversed()) {
      const calls = new Calls('undo', tryAt(run, step))
      const context = {
        ...this.context(connection, run.id, hold),
        nextCallId: calls.nextId,
        noted: calls.noted,
        remember: this.remembering(run, step, 'undoing'),
      }
      try {
        await action.rollback(context, step, step.record)
      } finally {
        made.set(step.position, calls.all)
      }
    }
  }

  private async intend(
    tx: Tx,
    run: HeldRun,
    step: JournaledStep,
    before: Outcome | undefined,
    hooks: RunHooks,
  ): Promise<TimeLeft | undefined> {
    const until = await hooks.beforeStep?.(tx, step)
    await this.journal.hold(tx, run)
    if (before) await this.journal.mark(tx, [{ run: run.id, ...before }], 'executed')
    const calls = [openCall('do', tryAt(run, step), step.target)]
    await this.journal.mark(tx, [{ run: run.id, position: step.position, calls }], 'executing')
    return until
  }
}
