import { Injectable } from '@nestjs/common'
import { putBackLost } from '../platform/due/due-work.ts'
import { LookAround } from '../platform/due/look-around.ts'
import { Database } from '../platform/postgres/database.ts'
import { RUN_WORK, selectRuns } from './ordered-run.ts'

/** Goes on with runs that are under way, there or back, and does not trust that a row of due work exists. */
@Injectable()
export class LostRuns extends LookAround {
  constructor(private readonly database: Database) {
    super('looking after runs')
  }

  protected async look(): Promise<void> {
    const underWay = await selectRuns(this.database.pool, `r.state in ('pending', 'executing', 'undoing', 'stuck')`, [])
    const count = await putBackLost(
      this.database.pool,
      underWay.map(({ id, state, integrationId }) => ({
        lane: 'run',
        kind: state === 'undoing' || state === 'stuck' ? RUN_WORK.undo : RUN_WORK.execute,
        subject: id,
        shard: integrationId,
      })),
    )
    if (count > 0) this.log.warn({ count }, 'put lost due work of runs back')
  }
}
