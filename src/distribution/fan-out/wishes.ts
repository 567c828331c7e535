import { Injectable } from '@nestjs/common'
import { DueWork } from '../../platform/due/due-work.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { Cancelling } from '../../runs/cancelling.ts'
import { TakingBack } from '../../runs/taking-back.ts'
import { isBrokerError } from '../../sdk/index.ts'
import type { Part, Wish } from './distribution.ts'

/** Writes down what a person wants of targets: in the transaction of their word, before anything is done about it. */
export async function wishFor(tx: Tx, id: string, targets: readonly string[], wish: Wish): Promise<void> {
  await rows(
    tx,
    'update distribution_parts set wish = $3, asked_back = asked_back or $4 where distribution_id = $1 and target_id = any($2)',
    [id, targets, JSON.stringify(wish), wish.is === 'undo'],
  )
}

/** Does what people want of targets, run by run, however often the daemon dies on the way. */
@Injectable()
export class Wishes {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly takingBack: TakingBack,
    private readonly cancelling: Cancelling,
  ) {}

  async carryOut(parts: readonly Part[]): Promise<void> {
    const wished = parts.filter(({ wish }) => wish !== null)
    for (const part of wished) await this.database.transaction((tx) => this.one(tx, part))
    if (wished.length > 0) this.work.wake('run')
  }

  private async one(tx: Tx, { distributionId, targetId }: Part): Promise<void> {
    const [part] = await rows<{ runId: string | null; wish: Wish | null }>(
      tx,
      'select run_id as "runId", wish from distribution_parts where distribution_id = $1 and target_id = $2 for update',
      [distributionId, targetId],
    )
    if (!part?.wish) return
    try {
      if (part.runId !== null) await this.carry(tx, part.runId, part.wish)
    } catch (error) {
      if (!isBrokerError(error, 'conflict')) throw error // it is past that: done meanwhile, or somebody else was first
    }
    await rows(tx, 'update distribution_parts set wish = null where distribution_id = $1 and target_id = $2', [
      distributionId,
      targetId,
    ])
  }

  private async carry(tx: Tx, runId: string, { is, by, reason }: Wish): Promise<void> {
    switch (is) {
      case 'cancel':
        await this.cancelling.stop(tx, by, runId)
        break
      case 'undo':
        await this.takingBack.begun(tx, by, runId, reason)
        break
    }
  }
}
