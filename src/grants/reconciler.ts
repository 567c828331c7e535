import { Injectable } from '@nestjs/common'
import { Catalog } from '../catalog/catalog.ts'
import { DISCOVERY_WORK } from '../integrations/discovery/discovery.ts'
import { HEALTH_WORK } from '../integrations/health/health.service.ts'
import { SWEEP_WORK } from '../integrations/sweep-work.ts'
import { putBackLost } from '../platform/due/due-work.ts'
import { LookAround } from '../platform/due/look-around.ts'
import { rows, UrgentDatabase } from '../platform/postgres/database.ts'
import { Metrics } from '../platform/watching/metrics.ts'
import { LeaversGrants } from './ending/leavers-grants.ts'
import { GRANT_WORK } from './grant.ts'
import { Sweep } from './sweep/sweep.ts'

/** Compares grants with the clock and with the people they belong to, and does not trust that a row of due work exists. */
@Injectable()
export class Reconciler extends LookAround {
  private live = new Map<string, number>()
  private overdue = 0

  constructor(
    private readonly database: UrgentDatabase,
    private readonly leavers: LeaversGrants,
    private readonly sweep: Sweep,
    private readonly catalog: Catalog,
    metrics: Metrics,
  ) {
    super('reconciling')
    metrics.gauge('latchkey_grants', 'grants that are not over, by state', () =>
      [...this.live].map(([state, count]) => [count, { state }] as const),
    )
    metrics.gauge('latchkey_grants_overdue', 'grants past their end that still hold power', () => [[this.overdue]])
  }

  override async onApplicationBootstrap(): Promise<void> {
    await super.onApplicationBootstrap()
    await this.sweep.scheduleAll().catch((error: unknown) => this.log.warn({ error }, 'the sweep could not be scheduled'))
  }

  protected async look(): Promise<void> {
    await this.leavers.endForDisabled()
    await this.putBackLostWork()
    await this.putBackRecurringWork()
    await this.measure()
  }

  private async putBackLostWork(): Promise<void> {
    const lost = await putBackLost(
      this.database.pool,
      `select w.lane, w.kind, g.id as subject, g.integration_id as shard, w.at
       from grants g cross join lateral (
         select 'provision' as lane, $1 as kind, clock_timestamp() as at where g.state in ('scheduled', 'provisioning')
         union all select 'cut', $2, g.expires_at where g.state = 'active'
         union all select 'cut', $2, clock_timestamp() where g.state in ('revoking', 'stuck') and g.cut_at is null
         union all select 'clean', $3, clock_timestamp() where g.state in ('revoking', 'stuck') and g.cut_at is not null
         union all select 'provision', $4, clock_timestamp() where g.state = 'active' and g.target_until <> g.expires_at) as w
       where g.state in ('scheduled', 'provisioning', 'active', 'revoking', 'stuck')`,
      [GRANT_WORK.provision, GRANT_WORK.end, GRANT_WORK.clean, GRANT_WORK.extend],
    )
    if (lost > 0) this.log.warn({ count: lost }, 'put lost due work back')
    // An active grant's row must not be later than its end.
    await rows(
      this.database.pool,
      `update due_work w set run_at = g.expires_at, version = version + 1 from grants g
       where w.kind = $1 and w.subject = g.id and g.state = 'active' and w.run_at > g.expires_at`,
      [GRANT_WORK.end],
    )
  }

  /** What looks after an integration over and over has a row for as long as the integration is there. */
  private async putBackRecurringWork(): Promise<void> {
    const lost = await putBackLost(
      this.database.pool,
      `select 'background' as lane, w.kind, i.id as subject, i.id as shard, clock_timestamp() as at
       from integrations i cross join lateral (
         select $1 as kind
         union all select $2 where i.state = 'active'
         union all select $3 where i.state = 'active' and i.plugin = any($4)) as w
       where i.state <> 'removed' and i.serves = 'access'`,
      [
        SWEEP_WORK,
        HEALTH_WORK,
        DISCOVERY_WORK,
        this.catalog.list().flatMap(({ manifest, discover }) => (discover ? [manifest.id] : [])),
      ],
    )
    if (lost > 0) this.log.warn({ count: lost }, 'put lost recurring work back')
  }

  private async measure(): Promise<void> {
    const counts = await rows<{ state: string; count: number; overdue: number }>(
      this.database.pool,
      `select state, count(*)::int as count, (count(*) filter (where cut_at is null and expires_at < clock_timestamp()))::int as overdue
       from grants where state in ('scheduled', 'provisioning', 'active', 'revoking', 'stuck') group by state`,
    )
    this.live = new Map(counts.map(({ state, count }) => [state, count]))
    this.overdue = counts.reduce((sum, { overdue }) => sum + overdue, 0)
  }
}
