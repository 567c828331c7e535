import { Injectable } from '@nestjs/common'
import { record } from '../audit/record.ts'
import { OrderKeys } from '../changes/order-keys.ts'
import type { RotationView, RunRotation } from '../contract/rotations.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { Database, databaseNow, rows } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { mustHaveIntegration } from './orphans.ts'
import { lockRotation } from './rotation.ts'
import { RotationViews } from './rotation-views.ts'
import { dueWork, integrationOf, momentAfter } from './rotations.service.ts'
import { moveTurn, openTurn } from './turn.ts'

/** What people do with a rotation besides changing it: have it run now, or say that they have done it. */
@Injectable()
export class ByHand {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly views: RotationViews,
    private readonly keys: OrderKeys,
  ) {}

  /** Repeated with its key, it is the same time, and answers how the rotation stands by then. */
  async run(caller: Caller, id: string, { reason, idempotencyKey: key }: RunRotation): Promise<RotationView> {
    const view = await this.database.transaction(async (tx) => {
      const rotation = await lockRotation(tx, id)
      const { does, asked } = rotation
      const order = key === undefined ? undefined : { kind: 'rotation.run', key, body: { of: id, reason } }
      if (order && (await this.keys.claim(tx, order)) !== undefined) return this.views.one(id, tx)
      if (order) await this.keys.settle(tx, order, id)
      if (does.kind === 'remind') {
        throw new BrokerError('conflict', 'this rotation is a reminder: a person does it by hand', {
          fix: 'do it, and mark it as done (latchkey rotate … --done)',
        })
      }
      mustHaveIntegration(rotation)
      if (asked || (await openTurn(tx, id))) {
        throw new BrokerError('conflict', 'the rotation is already running', { fix: 'wait until the run is over' })
      }
      const now = await databaseNow(tx)
      await rows(tx, 'update rotations set asked = $2 where id = $1', [
        id,
        JSON.stringify({ by: caller.id, reason, at: now.toISOString() }),
      ])
      await enqueue(tx, [dueWork(id, integrationOf(does), now)])
      await record(tx, { kind: 'rotation.asked', actor: caller.id, subject: id, data: { reason } })
      return this.views.one(id, tx)
    })
    this.work.wake('background')
    return view
  }

  /** An interval is counted from then. */
  async done(caller: Caller, id: string, note: string | undefined): Promise<RotationView> {
    return this.database.transaction(async (tx) => {
      const rotation = await lockRotation(tx, id)
      const turn = await openTurn(tx, id)
      if (!turn || !(await moveTurn(tx, turn.id, 'mark', { doneBy: caller.id, note }))) {
        throw new BrokerError('conflict', 'the rotation is not waiting for a person', {
          fix: 'see when it is due: GET /api/rotations/:id',
        })
      }
      if (rotation.schedule.kind === 'every' && rotation.active) {
        const next = momentAfter(rotation, rotation.now)
        await rows(tx, 'update rotations set next_at = $2, starts_at = $3 where id = $1', [id, next.at, next.startsAt])
        await enqueue(tx, [dueWork(id, null, next.startsAt)])
      }
      await record(tx, { kind: 'rotation.done', actor: caller.id, subject: id, data: { turn: turn.id, note } })
      return this.views.one(id, tx)
    })
  }
}
