import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { BROKER, record } from '../audit/record.ts'
import { rows, type Tx, UrgentDatabase } from '../platform/database.ts'
import { requestMachine } from './request-machine.ts'
import { Waiting } from './waiting.ts'

const MOST_AT_ONCE = 100

/** Ends what people asked for who are not here any more. Their grants end with the grants' own reconciler. */
@Injectable()
export class Leavers implements OnApplicationBootstrap {
  private readonly log = new Logger(Leavers.name)
  private busy = false

  constructor(
    private readonly database: UrgentDatabase,
    private readonly waiting: Waiting,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  @Interval(5_000)
  async tick(): Promise<void> {
    if (this.busy) return
    this.busy = true
    try {
      while ((await this.database.transaction((tx) => this.cancelSome(tx))) === MOST_AT_ONCE);
    } catch (error) {
      this.log.warn({ error }, 'cancelling the requests of people who left will be tried again')
    } finally {
      this.busy = false
    }
  }

  private async cancelSome(tx: Tx): Promise<number> {
    const left = await rows<{ id: string; requesterId: string }>(
      tx,
      `select q.id, q.requester_id as "requesterId" from access_requests q join users u on u.id = q.requester_id
       where q.state = 'pending' and u.state = 'disabled' order by q.id limit $1 for update of q skip locked`,
      [MOST_AT_ONCE],
    )
    const to = requestMachine.next('pending', 'cancel')
    for (const { id, requesterId } of left) {
      await rows(tx, 'update access_requests set state = $2, decided_at = now() where id = $1', [id, to])
      await this.waiting.over(tx, id)
      const data = { reason: 'requester_disabled', requesterId }
      await record(tx, { kind: `request.${to}`, actor: BROKER, subject: id, data })
    }
    return left.length
  }
}
