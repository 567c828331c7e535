import { Inject, Injectable } from '@nestjs/common'
import { z } from 'zod'
import { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import { type HealthReport, type IntegrationTest, type IntegrationView, type ListQuery } from '../contract/integrations.ts'
import type { Page } from '../contract/lists.ts'
import { type CursorKind, Cursors } from '../platform/http/cursors.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, databaseNow } from '../platform/postgres/database.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { type AnyPlugin, BrokerError, type PolicyAdvice } from '../sdk/index.ts'
import { Connections } from './connections/connections.ts'
import { isHealthy } from './health/health.ts'
import { findIntegration, selectIntegrations } from './integration.ts'
import { viewOf } from './integration-view.ts'
import { takeOutSecrets } from './secrets/config-secrets.ts'
import { digestOf } from './secrets/destination.ts'
import { loadConfig, parseConfig } from './secrets/integration-config.ts'
import { Trials } from './trial.ts'

const BY_NAME: CursorKind<string> = { list: 'integrations', position: z.string() }

/** Configured connections, looked at and tried out. `IntegrationChanges` makes and changes them, `IntegrationStates` pauses and removes them. */
@Injectable()
export class Integrations {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly cursors: Cursors,
    private readonly trials: Trials,
    private readonly connections: Connections,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Saves nothing; everything the plugin kept is forgotten. */
  async test(by: string, input: IntegrationTest): Promise<HealthReport> {
    const plugin = this.catalog.chosen(input.plugin)
    const config = await parseConfig(plugin, input.config)
    if (this.config.fourEyes) await this.refuseNewPlace(plugin, takeOutSecrets(config).clear)
    const { checks } = await this.trials.run(by, plugin, config, newId('int'))
    return {
      healthy: isHealthy(checks),
      checks: checks.map((check) => ({ ...check })),
      at: (await databaseNow(this.database.pool)).toISOString(),
    }
  }

  async view(id: string): Promise<IntegrationView> {
    return viewOf(await findIntegration(this.database.pool, id), this.connections.session(id))
  }

  async page({ limit, cursor }: ListQuery): Promise<Page<IntegrationView>> {
    const after = this.cursors.read(BY_NAME, cursor)
    const found = await selectIntegrations(
      this.database.pool,
      `state <> 'removed' and ($1::text is null or lower(name) > lower($1)) order by lower(name) limit $2`,
      [after ?? null, limit + 1],
    )
    const view = (integration: (typeof found)[number]) => viewOf(integration, this.connections.session(integration.id))
    return this.cursors.page(BY_NAME, found, limit, ({ name }) => name, view)
  }

  /** What to set up in the target for this integration as it is configured. */
  async minimumPolicy(id: string): Promise<PolicyAdvice> {
    const integration = await findIntegration(this.database.pool, id)
    const plugin = this.catalog.get(integration.plugin)
    if (!plugin.minimumPolicy)
      throw new BrokerError('target.unsupported', `${plugin.manifest.name} has no minimum policy to show`)
    return plugin.minimumPolicy(await loadConfig(this.sealer, plugin, integration))
  }

  /** Where a second person agrees to changes, nobody sends a login to a new place alone, be it only to try it. */
  private async refuseNewPlace(plugin: AnyPlugin, clear: unknown): Promise<void> {
    const known = await selectIntegrations(this.database.pool, `state <> 'removed' and plugin = $1`, [plugin.manifest.id])
    if (known.some(({ config }) => digestOf(plugin, config) === digestOf(plugin, clear))) return
    throw new BrokerError(
      'conflict',
      'where four eyes are on, a configuration is tried only at a place that an integration already uses',
      {
        fix: 'propose the integration; it is tried when a second person accepts it',
      },
    )
  }
}
