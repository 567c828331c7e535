import { Injectable, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork } from '../platform/due/due-work.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { findRun, type OrderedRun, type Problem } from '../runs/ordered-run.ts'
import { TakingBack } from '../runs/taking-back.ts'
import { BrokerError } from '../sdk/index.ts'
import type { RunDoes } from './doing.ts'
import { findRotation, ROTATION_WORK, type Rotation } from './rotation.ts'
import { RotationTests } from './tests.ts'
import { moveTurn, noteTurn, selectTurns, type Turn } from './turn.ts'
import type { TurnEvent } from './turn-machine.ts'

const LONGEST_PAUSE_MS = 10_000

/** Sees what comes of a run: set, tested, finished; or taken back, because its test did not answer. */
@Injectable()
export class Following implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly tests: RotationTests,
    private readonly takingBack: TakingBack,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', ROTATION_WORK.follow, (batch, hold) => each(batch, (work) => this.follow(work, hold)))
  }

  private async follow(work: Work, hold: Hold): Promise<Outcome> {
    const [turn] = await selectTurns(this.database.pool, 't.id = $1', [work.subject])
    const run = turn?.settledAt === null && turn.runId ? await findRun(this.database.pool, turn.runId) : undefined
    if (!turn || !run) return 'done'
    switch (run.state) {
      case 'pending':
      case 'executing':
        return pauseFor(work.attempts, LONGEST_PAUSE_MS)
      case 'undoing':
      case 'stuck':
        await this.move(turn, 'take_back', run.problem)
        return pauseFor(work.attempts, LONGEST_PAUSE_MS)
      case 'undone':
        return this.settle(turn, 'gone', run.problem)
      case 'failed':
        return this.settle(turn, 'fail', run.problem)
      case 'executed':
        return this.executed(work, turn, run, hold)
    }
  }

  private async executed(work: Work, turn: Turn, run: OrderedRun, hold: Hold): Promise<Outcome> {
    if (turn.state === 'undoing') return this.settle(turn, 'fail', run.problem) // the target refused its undo
    const rotation = await this.rotationOf(turn)
    const test = rotation?.does.kind === 'run' ? rotation.does.test : undefined
    if (!test || !rotation) return this.settle(turn, 'finish', null)
    if (turn.state === 'running') {
      await this.move(turn, 'test', null)
      return 0
    }
    try {
      await this.tests.now.ask(test.webhookId, questionOf(turn, rotation, run), hold.signal)
      return await this.settle(turn, 'finish', null)
    } catch (error) {
      if (hold.signal.aborted) return 0
      const { code, message, fix } = problemOf(error)
      const problem = { code, message: `the test did not succeed: ${message}`, fix }
      await noteTurn(this.database.pool, turn.id, problem)
      if ((turn.testedSeconds ?? 0) < test.withinSeconds) return pauseFor(work.attempts, LONGEST_PAUSE_MS)
      await this.takeBack(turn, problem)
      return 0
    }
  }

  /** Whoever else takes it back at the same moment does no harm: the next look sees how the run stands. */
  private async takeBack(turn: Turn, { message }: Problem): Promise<void> {
    try {
      await this.takingBack.orderedBack(null, turn.runId!, message)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
    }
  }

  /** Of one that was removed meanwhile nothing is tested any more. */
  private async rotationOf({ rotationId }: Turn): Promise<Rotation | undefined> {
    return findRotation(this.database.pool, rotationId).catch((error: unknown) => {
      if (error instanceof BrokerError && error.code === 'not_found') return undefined
      throw error
    })
  }

  private async move(turn: Turn, event: TurnEvent, problem: Problem | null): Promise<void> {
    await this.database.transaction((tx) => moveTurn(tx, turn.id, event, { problem: turn.problem ?? problem }))
  }

  private async settle(turn: Turn, event: 'finish' | 'gone' | 'fail', problem: Problem | null): Promise<Outcome> {
    await this.database.transaction(async (tx) => {
      const why = event === 'finish' ? null : (turn.problem ?? problem)
      if (await moveTurn(tx, turn.id, event, { problem: why })) await this.tell(tx, turn, event, why)
    })
    return 'done'
  }

  private async tell(
    tx: Tx,
    { id, rotationId, runId }: Turn,
    event: 'finish' | 'gone' | 'fail',
    problem: Problem | null,
  ): Promise<void> {
    const data = { turn: id, run: runId }
    if (event === 'finish') return record(tx, { kind: 'rotation.finished', actor: BROKER, subject: rotationId, data })
    await record(tx, {
      kind: 'rotation.failed',
      actor: BROKER,
      subject: rotationId,
      data: { ...data, isUndone: event === 'gone', ...problem },
    })
  }
}

function questionOf(turn: Turn, { id, name, does }: Rotation, run: OrderedRun) {
  const { integrationId, action } = does as RunDoes
  return { id: turn.id, rotation: { id, name }, runId: run.id, integrationId, action }
}
