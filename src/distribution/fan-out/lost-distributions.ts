import { Injectable } from '@nestjs/common'
import { putBackLost } from '../../platform/due/due-work.ts'
import { LookAround } from '../../platform/due/look-around.ts'
import { Database } from '../../platform/postgres/database.ts'
import { DISTRIBUTION_WORK } from './distribution.ts'

/** Goes on with distributions that are not over, and does not trust that a row of due work exists. */
@Injectable()
export class LostDistributions extends LookAround {
  constructor(private readonly database: Database) {
    super('looking after distributions')
  }

  protected async look(): Promise<void> {
    const count = await putBackLost(
      this.database.pool,
      `select 'run' as lane, $1 as kind, id as subject, id as shard, clock_timestamp() as at
       from distributions where finished_at is null`,
      [DISTRIBUTION_WORK],
    )
    if (count > 0) this.log.warn({ count }, 'put lost due work of distributions back')
  }
}
