import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { putBackLost } from '../platform/due/due-work.ts'
import { Rounds } from '../platform/due/rounds.ts'
import { Database } from '../platform/postgres/database.ts'
import { RUN_WORK, selectRuns } from './ordered-run.ts'

/** Goes on with runs that are under way, there or back, and does not trust that a row of due work exists. */
@Injectable()
export class LostRuns implements OnApplicationBootstrap {
  private readonly log = new Logger(LostRuns.name)
  private readonly rounds = new Rounds(this.log, 'looking after runs')

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  @Interval(10_000)
  tick(): Promise<void> {
    return this.rounds.make(async () => {
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
    })
  }
}
