import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { LEAVER_WORK } from '../../identity/sessions/lock-out.ts'
import type { Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { type Cancelled, Waiting } from './waiting.ts'

const MOST_AT_ONCE = 100

/** A request of somebody who has left, or made with a token that they may have in hand. */
interface Left extends Cancelled {
  readonly isOwn: boolean
}

/** Ends what people asked for who are not here any more, themselves or with somebody else's token. Their grants end with the grants' own reconciler. */
@Injectable()
export class Leavers implements OnModuleInit, OnApplicationBootstrap {
  private readonly rounds = new Rounds(new Logger(Leavers.name), 'cancelling the requests of people who left')

  constructor(
    private readonly database: UrgentDatabase,
    private readonly waiting: Waiting,
    private readonly work: DueWork,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', LEAVER_WORK.requests, async (batch) => {
      await this.cancelAll((tx) => ofLeavers(tx, batch))
      return new Map()
    })
  }

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  @Interval(5_000)
  tick(): Promise<void> {
    return this.rounds.make(() => this.cancelAll(ofDisabled))
  }

  private async cancelAll(some: (tx: Tx) => Promise<Left[]>): Promise<void> {
    const cancelSome = async (tx: Tx) => {
      const left = await some(tx)
      const own = left.filter(({ isOwn }) => isOwn)
      await this.waiting.cancel(tx, own, 'requester_disabled')
      await this.waiting.cancel(
        tx,
        left.filter((one) => !own.includes(one)),
        'token_maker_disabled',
      )
      return left.length
    }
    while ((await this.database.transaction(cancelSome)) === MOST_AT_ONCE);
  }
}

/** Whatever became of the work their end left behind. */
function ofDisabled(tx: Tx): Promise<Left[]> {
  return rows<Left>(
    tx,
    `select q.id, q.requester_id as "requesterId", q.stage, u.state = 'disabled' as "isOwn"
     from access_requests q join users u on u.id = q.requester_id
     where q.state = 'pending' and (u.state = 'disabled' or exists (select from users h where h.id = any(q.hands) and h.state = 'disabled'))
     order by q.id limit $1 for update of q skip locked`,
    [MOST_AT_ONCE],
  )
}

/** What was asked for through their hands when they were disabled, although somebody may have enabled them again since. */
function ofLeavers(tx: Tx, batch: readonly Work[]): Promise<Left[]> {
  return rows<Left>(
    tx,
    `select q.id, q.requester_id as "requesterId", q.stage, q.requester_id = any($1) as "isOwn"
     from access_requests q where q.state = 'pending' and exists (
       select from unnest($1::text[], $2::timestamptz[]) as l (id, at)
       where (q.requester_id = l.id or l.id = any(q.hands)) and q.created_at <= l.at + interval '1 ms')
     order by q.id limit $3 for update of q`,
    [batch.map((work) => work.subject), batch.map((work) => work.runAt), MOST_AT_ONCE],
  )
}
