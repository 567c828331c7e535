import { Injectable } from '@nestjs/common'
import { putBackLost } from '../../platform/due/due-work.ts'
import { LookAround } from '../../platform/due/look-around.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { workOf } from './distribution.ts'

/** Goes on with distributions that are not over, and does not trust that a row of due work exists. */
@Injectable()
export class LostDistributions extends LookAround {
  constructor(private readonly database: Database) {
    super('looking after distributions')
  }

  protected async look(): Promise<void> {
    const open = await rows<{ id: string }>(this.database.pool, 'select id from distributions where finished_at is null')
    const count = await putBackLost(
      this.database.pool,
      open.map(({ id }) => workOf(id)),
    )
    if (count > 0) this.log.warn({ count }, 'put lost due work of distributions back')
  }
}
