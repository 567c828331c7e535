import { isDeepStrictEqual } from 'node:util'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { each, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { Database } from '../platform/postgres/database.ts'
import { findRun, type OrderedRun, type Problem } from '../runs/ordered-run.ts'
import type { RunDoes } from './doing.ts'
import { findUnlessRemoved, ROTATION_WORK } from './rotation.ts'
import { Settling } from './settling.ts'
import { moveTurn, selectTurns, type Turn } from './turn.ts'
import type { TurnEvent } from './turn-machine.ts'

const LONGEST_PAUSE_MS = 10_000

/** Sees what comes of a run: set, given to its test, finished; or taken back. */
@Injectable()
export class Following implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly settling: Settling,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', ROTATION_WORK.follow, (batch) => each(batch, (work) => this.follow(work)))
  }

  private async follow(work: Work): Promise<Outcome> {
    const [turn] = await selectTurns(this.database.pool, 't.id = $1', [work.subject])
    const run = turn?.settledAt === null && turn.runId ? await findRun(this.database.pool, turn.runId) : undefined
    if (!turn || !run) return 'done'
    switch (run.state) {
      case 'pending':
      case 'executing':
        return pauseFor(work.attempts, LONGEST_PAUSE_MS)
      case 'undoing':
      case 'stuck':
        // What befalls the undo may pass; why there is one stays with the run.
        await this.move(turn, 'take_back', run.failure)
        return pauseFor(work.attempts, LONGEST_PAUSE_MS)
      case 'undone':
        return this.settling.settle(turn, 'gone', run.failure ?? run.problem)
      case 'failed':
        return this.settling.settle(withoutFailure(turn, run), 'fail', run.problem)
      case 'executed':
        return this.executed(work, turn, run)
    }
  }

  private async executed(work: Work, turn: Turn, run: OrderedRun): Promise<Outcome> {
    if (turn.state === 'undoing') return this.settling.settle(withoutFailure(turn, run), 'fail', run.problem) // the target refused its undo
    const rotation = await findUnlessRemoved(this.database.pool, turn.rotationId)
    const test = rotation?.does.kind === 'run' ? rotation.does.test : undefined
    if (!test) return this.settling.settle(turn, 'finish', null)
    if (turn.state === 'running') {
      await this.database.transaction(async (tx) => {
        if (await moveTurn(tx, turn.id, 'test')) await enqueue(tx, [testOf(turn, test)])
      })
      this.work.wake('background')
    }
    return pauseFor(work.attempts, LONGEST_PAUSE_MS) // somebody may take it back meanwhile
  }

  private async move(turn: Turn, event: TurnEvent, problem: Problem | null): Promise<void> {
    await this.database.transaction((tx) => moveTurn(tx, turn.id, event, { problem: turn.problem ?? problem }))
  }
}

/** What a run says in the end of why it failed, and what came of its undo, is more than what was seen on the way. */
function withoutFailure(turn: Turn, { failure }: OrderedRun): Turn {
  return isDeepStrictEqual(turn.problem, failure) ? { ...turn, problem: null } : turn
}

/** A receiver that is asked shares a fate with nobody else: what hangs there delays no rotation that asks others, or nobody. */
function testOf({ id }: Turn, { webhookId }: NonNullable<RunDoes['test']>) {
  return { lane: 'background', kind: ROTATION_WORK.test, subject: id, shard: webhookId } as const
}
