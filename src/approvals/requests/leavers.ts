import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { LEAVER_WORK } from '../../identity/lock-out.ts'
import type { Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { type Cancelled, Waiting } from './waiting.ts'

const MOST_AT_ONCE = 100

/** Ends what people asked for who are not here any more. Their grants end with the grants' own reconciler. */
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

  private async cancelAll(some: (tx: Tx) => Promise<Cancelled[]>): Promise<void> {
    const cancelSome = async (tx: Tx) => {
      const left = await some(tx)
      await this.waiting.cancel(tx, left, 'requester_disabled')
      return left.length
    }
    while ((await this.database.transaction(cancelSome)) === MOST_AT_ONCE);
  }
}

/** Whatever became of the work their end left behind. */
function ofDisabled(tx: Tx): Promise<Cancelled[]> {
  return rows<Cancelled>(
    tx,
    `select q.id, q.requester_id as "requesterId", q.stage from access_requests q join users u on u.id = q.requester_id
     where q.state = 'pending' and u.state = 'disabled' order by q.id limit $1 for update of q skip locked`,
    [MOST_AT_ONCE],
  )
}

/** What they had asked for when they were disabled, although somebody may have enabled them again since. */
function ofLeavers(tx: Tx, batch: readonly Work[]): Promise<Cancelled[]> {
  return rows<Cancelled>(
    tx,
    `select q.id, q.requester_id as "requesterId", q.stage
     from unnest($1::text[], $2::timestamptz[]) as l (id, at) join access_requests q on q.requester_id = l.id and q.created_at <= l.at + interval '1 ms'
     where q.state = 'pending' order by q.id limit $3 for update of q`,
    [batch.map((work) => work.subject), batch.map((work) => work.runAt), MOST_AT_ONCE],
  )
}
