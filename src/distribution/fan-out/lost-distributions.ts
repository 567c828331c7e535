import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { putBackLost } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { workOf } from './distribution.ts'

/** Goes on with distributions that are not over, and does not trust that a row of due work exists. */
@Injectable()
export class LostDistributions implements OnApplicationBootstrap {
  private readonly log = new Logger(LostDistributions.name)
  private readonly rounds = new Rounds(this.log, 'looking after distributions')

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  @Interval(10_000)
  tick(): Promise<void> {
    return this.rounds.make(async () => {
      const open = await rows<{ id: string }>(this.database.pool, 'select id from distributions where finished_at is null')
      const count = await putBackLost(
        this.database.pool,
        open.map(({ id }) => workOf(id)),
      )
      if (count > 0) this.log.warn({ count }, 'put lost due work of distributions back')
    })
  }
}
