import { Injectable, type OnModuleInit } from '@nestjs/common'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { Database } from '../platform/postgres/database.ts'
import { findRun, type OrderedRun, type Problem } from '../runs/ordered-run.ts'
import { TakingBack } from '../runs/taking-back.ts'
import { BrokerError } from '../sdk/index.ts'
import type { RunDoes } from './doing.ts'
import { findUnlessRemoved, ROTATION_WORK, type Rotation } from './rotation.ts'
import { Settling } from './settling.ts'
import { moveTurn, noteTurn, selectTurns, type Turn } from './turn.ts'
import { RotationTests } from './webhook-tester.ts'

const LONGEST_PAUSE_MS = 10_000

/**
 * A webhook must answer that the new value works before a rotation counts as finished and the old value as retired. It is asked again and
 * again until it does. When its time is over, the run is taken back, and the old value is there again.
 */
@Injectable()
export class WebhookTest implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly tests: RotationTests,
    private readonly takingBack: TakingBack,
    private readonly settling: Settling,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', ROTATION_WORK.test, (batch, hold) => each(batch, (work) => this.test(work, hold)))
  }

  /** What became of the run in other hands is for those who follow it. */
  private async test(work: Work, hold: Hold): Promise<Outcome> {
    const [turn] = await selectTurns(this.database.pool, 't.id = $1', [work.subject])
    const run = turn?.state === 'testing' && turn.runId ? await findRun(this.database.pool, turn.runId) : undefined
    if (!turn || run?.state !== 'executed') return 'done'
    const rotation = await findUnlessRemoved(this.database.pool, turn.rotationId)
    const test = rotation?.does.kind === 'run' ? rotation.does.test : undefined
    if (!rotation || !test) return 'done'
    try {
      await this.tests.now.ask(test.webhookId, questionOf(turn, rotation, run), hold.signal)
      return await this.settling.settle(turn, 'finish', null)
    } catch (error) {
      if (hold.signal.aborted) return 0
      const { code, message, fix } = problemOf(error)
      const problem = { code, message: `the webhook did not confirm that the new value works: ${message}`, fix }
      await noteTurn(this.database.pool, turn.id, problem)
      if ((turn.testedSeconds ?? 0) < test.withinSeconds) return pauseFor(work.attempts, LONGEST_PAUSE_MS)
      await this.takeBack(turn, work, problem)
      return 'done'
    }
  }

  /** Another one who takes it back at the same moment does no harm. */
  private async takeBack(turn: Turn, { shard }: Work, problem: Problem): Promise<void> {
    try {
      await this.takingBack.orderedBack(null, turn.runId!, problem.message)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return
    }
    // The target may refuse at once, and the run be done again before anybody looks.
    await this.database.transaction(async (tx) => {
      if (!(await moveTurn(tx, turn.id, 'take_back', { problem }))) return
      await enqueue(tx, [{ lane: 'background', kind: ROTATION_WORK.follow, subject: turn.id, shard }])
    })
    this.work.wake('background')
  }
}

function questionOf(turn: Turn, { id, name, does }: Rotation, run: OrderedRun) {
  const { integrationId, action } = does as RunDoes
  return { id: turn.id, rotation: { id, name }, runId: run.id, integrationId, action }
}
