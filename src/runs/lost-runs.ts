import { Injectable } from '@nestjs/common'
import { letGoOfRested } from '../actions/locks.ts'
import { RUN_FACTS } from '../actions/run-facts.ts'
import { putBackLost } from '../platform/due/due-work.ts'
import { LookAround } from '../platform/due/look-around.ts'
import { Database } from '../platform/postgres/database.ts'
import { RUN_WORK } from './ordered-run.ts'

/** Goes on with runs that are under way, there or back, and does not trust that a row of due work exists. */
@Injectable()
export class LostRuns extends LookAround {
  constructor(private readonly database: Database) {
    super('looking after runs')
  }

  protected async look(): Promise<void> {
    const count = await putBackLost(
      this.database.pool,
      `select 'run' as lane, case when r.state in ('undoing', 'stuck') then $1 else $2 end as kind, o.id as subject,
         o.integration_id as shard, clock_timestamp() as at
       from ordered_runs o join ${RUN_FACTS} r on r.id = o.id where r.state in ('pending', 'executing', 'undoing', 'stuck')`,
      [RUN_WORK.undo, RUN_WORK.execute],
    )
    if (count > 0) this.log.warn({ count }, 'put lost due work of runs back')
    const kept = await letGoOfRested(this.database.pool)
    if (kept > 0) this.log.warn({ count: kept }, 'let go of what runs that are over still held')
  }
}
