import { Injectable } from '@nestjs/common'
import { putBackLost } from '../../platform/due/due-work.ts'
import { LookAround } from '../../platform/due/look-around.ts'
import { Database } from '../../platform/postgres/database.ts'
import { Revoked } from './revoked.ts'
import { RENEW_WORK, SEND_WORK } from './source.ts'

/** Compares sources with the clock, and does not trust that a row of due work exists. */
@Injectable()
export class SourcesReconciler extends LookAround {
  constructor(
    private readonly database: Database,
    private readonly revoked: Revoked,
  ) {
    super('looking after certificate sources')
  }

  protected async look(): Promise<void> {
    await this.revoked.look()
    const count = await putBackLost(
      this.database.pool,
      `select 'background' as lane, $1 as kind, id as subject, integration_id as shard,
         case when run_id is null then next_at else clock_timestamp() end as at
       from certificate_sources where removed_at is null and (next_at is not null or run_id is not null)
       union all
       select 'background', $2, s.id, s.integration_id, clock_timestamp()
       from certificate_sources s join certificates c on c.source_id = s.id and c.replaced_by is null and c.removed_at is null
       where s.removed_at is null and s.problem is not null and s.chain is not null and c.id is distinct from
         (select d.certificate_id from distributions d where d.source_id = s.id order by d.id desc limit 1)`,
      [RENEW_WORK, SEND_WORK],
    )
    if (count > 0) this.log.warn({ count }, 'put lost due work of certificate sources back')
  }
}
