import { Injectable } from '@nestjs/common'
import { putBackLost } from '../platform/due/due-work.ts'
import { LookAround } from '../platform/due/look-around.ts'
import { Database, rows } from '../platform/postgres/database.ts'
import { Metrics } from '../platform/watching/metrics.ts'
import { pauseOrphans } from './orphans.ts'
import { ROTATION_WORK } from './rotation.ts'

/** Compares rotations with the clock, and does not trust that a row of due work exists. */
@Injectable()
export class RotationReconciler extends LookAround {
  private overdue = 0

  constructor(
    private readonly database: Database,
    metrics: Metrics,
  ) {
    super('looking after rotations')
    metrics.gauge('latchkey_rotations_overdue', 'rotations past their moment that are neither made nor done', () => [
      [this.overdue],
    ])
  }

  protected async look(): Promise<void> {
    while ((await this.database.transaction(pauseOrphans)) > 0);
    const lost = await putBackLost(
      this.database.pool,
      `select 'background' as lane, $1 as kind, id as subject, integration_id as shard,
         coalesce((asked ->> 'at')::timestamptz, starts_at) as at
       from rotations where removed_at is null and (starts_at is not null or asked is not null)
       union all
       select 'background', $2, t.id, r.integration_id, clock_timestamp()
       from rotation_turns t join rotations r on r.id = t.rotation_id where t.settled_at is null and t.run_id is not null
       union all
       select 'background', $3, t.id, r.does #>> '{test,webhookId}', clock_timestamp()
       from rotation_turns t join rotations r on r.id = t.rotation_id
       where t.state = 'testing' and r.removed_at is null and r.does #>> '{test,webhookId}' is not null`,
      [ROTATION_WORK.due, ROTATION_WORK.follow, ROTATION_WORK.test],
    )
    if (lost > 0) this.log.warn({ count: lost }, 'put lost due work of rotations back')
    // Its row must not be later than its moment.
    await rows(
      this.database.pool,
      `update due_work w set run_at = r.starts_at, version = w.version + 1 from rotations r
       where w.kind = $1 and w.subject = r.id and r.asked is null and w.run_at > r.starts_at and r.starts_at > clock_timestamp()`,
      [ROTATION_WORK.due],
    )
    const [counted] = await rows<{ count: number }>(
      this.database.pool,
      `select count(*)::int as count from rotations r where r.removed_at is null and (r.starts_at < clock_timestamp() - interval '1 minute'
         or exists (select from rotation_turns t where t.rotation_id = r.id and t.state = 'waiting'))`,
    )
    this.overdue = counted?.count ?? 0
  }
}
