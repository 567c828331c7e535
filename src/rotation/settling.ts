import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import type { Outcome } from '../platform/due/due-lane.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import type { Problem } from '../runs/ordered-run.ts'
import { moveTurn, type Turn } from './turn.ts'

/** Ends turns, and has people told. */
@Injectable()
export class Settling {
  constructor(private readonly database: Database) {}

  async settle(turn: Turn, event: 'finish' | 'gone' | 'fail', problem: Problem | null): Promise<Outcome> {
    await this.database.transaction(async (tx) => {
      const why = event === 'finish' ? null : (turn.problem ?? problem)
      if (await moveTurn(tx, turn.id, event, { problem: why })) await this.tell(tx, turn, event, why)
    })
    return 'done'
  }

  private async tell(
    tx: Tx,
    { id, rotationId, rotationName, runId }: Turn,
    event: 'finish' | 'gone' | 'fail',
    problem: Problem | null,
  ): Promise<void> {
    const data = { name: rotationName, turn: id, run: runId }
    if (event === 'finish') return record(tx, { kind: 'rotation.finished', actor: BROKER, subject: rotationId, data })
    await record(tx, {
      kind: 'rotation.failed',
      actor: BROKER,
      subject: rotationId,
      data: { ...data, isUndone: event === 'gone', ...problem },
    })
  }
}
