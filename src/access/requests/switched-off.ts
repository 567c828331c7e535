import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { type Cancelled, Waiting } from '../../approvals/requests/waiting.ts'
import { endNow } from '../../grants/ending/ending.ts'
import { each } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { FLOW_OFF } from '../flows/flow-off.ts'

const MOST_AT_ONCE = 100
const REASON = 'the access flow was switched off'
/** What makes it pointless to wait, and why. */
const POINTLESS = { 'not f.active': REASON, "i.state = 'removed'": 'the integration was removed' } as const

/** Ends what waits under flows that were switched off: requests, and access that is not there yet. What is active goes on to its end. */
@Injectable()
export class SwitchedOff implements OnModuleInit, OnApplicationBootstrap {
  private readonly rounds = new Rounds(new Logger(SwitchedOff.name), 'ending what waits under flows that are off')

  constructor(
    private readonly database: UrgentDatabase,
    private readonly work: DueWork,
    private readonly waiting: Waiting,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', FLOW_OFF, (batch) =>
      each(batch, async () => {
        await this.endAll()
        return 'done'
      }),
    )
  }

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  /** Whatever became of the work that switching off left behind. */
  @Interval(5_000)
  tick(): Promise<void> {
    return this.rounds.make(() => this.endAll())
  }

  private async endAll(): Promise<void> {
    for (const [condition, reason] of Object.entries(POINTLESS)) {
      while ((await this.database.transaction((tx) => this.cancelSome(tx, condition, reason))) === MOST_AT_ONCE);
    }
    while ((await this.database.transaction((tx) => this.endSome(tx))) === MOST_AT_ONCE);
  }

  private async cancelSome(tx: Tx, condition: string, reason: string): Promise<number> {
    const waiting = await rows<Cancelled>(
      tx,
      `select q.id, q.requester_id as "requesterId", q.stage from access_requests q join access_flows f on f.id = q.flow_id
       join integrations i on i.id = q.integration_id
       where q.state = 'pending' and ${condition} order by q.id limit $1 for update of q skip locked`,
      [MOST_AT_ONCE],
    )
    await this.waiting.cancel(tx, waiting, reason)
    return waiting.length
  }

  private async endSome(tx: Tx): Promise<number> {
    const begun = await rows<{ id: string }>(
      tx,
      `select g.id from grants g join access_requests q on q.id = g.request_id join access_flows f on f.id = q.flow_id
       where g.state in ('scheduled', 'provisioning') and not f.active order by g.id limit $1 for update of g skip locked`,
      [MOST_AT_ONCE],
    )
    await endNow(
      tx,
      begun.map(({ id }) => id),
      { reason: 'revoked', note: REASON },
    )
    if (begun.length > 0) this.work.wake('cut')
    return begun.length
  }
}
