import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import type { HealthReport } from '../../contract/integrations.ts'
import { each } from '../../platform/due/due-lane.ts'
import { type DueItem, DueWork } from '../../platform/due/due-work.ts'
import { Stopping } from '../../platform/due/stopping.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database, row } from '../../platform/postgres/database.ts'
import { isBrokerError } from '../../sdk/index.ts'
import { Connections } from '../connections/connections.ts'
import { selectIntegrations } from '../integration.ts'
import { checkHealth, guaranteesOf, isHealthy } from './health.ts'
import { TargetSessions } from './target-sessions.ts'

export const HEALTH_WORK = 'integration.health'
const EVERY_MS = 5 * 60_000
const AT_ONCE = 4

/** Looks after active integrations: at the start, every few minutes, and when asked. The last finding stays on the row. */
@Injectable()
export class Health implements OnModuleInit, OnApplicationBootstrap {
  private readonly log = new Logger(Health.name)

  constructor(
    private readonly database: Database,
    private readonly connections: Connections,
    private readonly sessions: TargetSessions,
    private readonly work: DueWork,
    private readonly stopping: Stopping,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', HEALTH_WORK, (batch) =>
      each(batch, async ({ subject }) => {
        await this.quietly(subject)
        return EVERY_MS * (0.9 + Math.random() / 5)
      }),
    )
  }

  /** In the background: a target that is down delays no start, but shows. */
  onApplicationBootstrap(): void {
    void this.lookAtAll()
  }

  /** @param thorough when a person asks: then nothing is taken from an earlier look */
  async check(integrationId: string, thorough?: 'thorough'): Promise<HealthReport> {
    const connection = await this.connections.use(integrationId)
    const { plugin, client, integration } = connection
    const checks = await checkHealth(plugin, client, this.stopping.lastCall, thorough)
    await this.sessions.keep(connection)
    const stored = await row<{ at: Date }>(
      this.database.pool,
      `update integrations set health = $2, health_at = clock_timestamp(), guarantees = $3 where id = $1 and version = $4
       returning health_at as at`,
      [integrationId, JSON.stringify(checks), JSON.stringify(guaranteesOf(plugin, client) ?? null), integration.version],
    )
    return {
      healthy: isHealthy(checks),
      checks: checks.map((check) => ({ ...check })),
      at: (stored?.at ?? new Date()).toISOString(),
    }
  }

  private async lookAtAll(): Promise<void> {
    try {
      const active = await selectIntegrations(this.database.pool, `state = 'active'`)
      await inParallel(active, AT_ONCE, ({ id }) => this.quietly(id))
    } catch (error) {
      this.log.warn({ error }, 'the integrations were not looked at')
    }
  }

  private async quietly(id: string): Promise<void> {
    try {
      await this.check(id)
    } catch (error) {
      if (isBrokerError(error, 'not_found')) return
      this.log.error({ error, integration: id }, 'an integration cannot be opened')
      this.sessions.note({ id, name: id }, problemOf(error).message)
    }
  }
}

export function healthWork(id: string): DueItem {
  return { lane: 'background', kind: HEALTH_WORK, subject: id, shard: id }
}
