import { Injectable } from '@nestjs/common'
import { Catalog } from '../catalog/catalog.ts'
import type { Connection } from '../integrations/connections/connections.ts'
import { Connections } from '../integrations/connections/connections.ts'
import { findConnected, type Integration } from '../integrations/integration.ts'
import { loadConfig } from '../integrations/secrets/integration-config.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { type AnyAction, BrokerError } from '../sdk/index.ts'

/** Who orders: a person, a schedule or a flow, or a distribution, which has looked at the target and at what goes there. */
export type Road = 'order' | 'distribution'

/**
 * Which actions an integration allows: those of its plugin that its configuration does not rule out. Granting access is none of them, and
 * what takes certificates to targets is ordered as a distribution.
 */
@Injectable()
export class OfferedActions {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly connections: Connections,
  ) {}

  async of(integrationId: string, tx: Tx = this.database.pool): Promise<readonly AnyAction<unknown>[]> {
    return this.allowed(await findConnected(tx, integrationId), 'order')
  }

  /** The action and the connection it goes through. Throws `target.unsupported` for one that the integration does not allow. */
  async find(
    integrationId: string,
    name: string,
    tx: Tx = this.database.pool,
    road: Road = 'order',
  ): Promise<{ connection: Connection; action: AnyAction<unknown> }> {
    const integration = await findConnected(tx, integrationId)
    const allowed = await this.allowed(integration, road)
    const action = allowed.find((each) => each.name === name)
    if (action) return { connection: await this.connections.use(integrationId), action }
    if (road === 'order' && this.isOfDistribution(integration, name)) {
      throw new BrokerError('target.unsupported', `${name} takes certificates to targets`, {
        field: 'action',
        fix: 'order a distribution: POST /api/distributions, with the certificate and its targets',
      })
    }
    const names = allowed.map((each) => each.name).join(', ')
    throw new BrokerError('target.unsupported', `this integration does not allow the action ${name}`, {
      field: 'action',
      fix: names
        ? `choose one of ${names}, or ask an admin to allow it in the integration’s settings`
        : 'ask an admin to allow actions in the integration’s settings; it allows none',
    })
  }

  private async allowed(integration: Integration, road: Road): Promise<readonly AnyAction<unknown>[]> {
    const plugin = this.catalog.get(integration.plugin)
    const onRoad = plugin.actions.filter(({ name }) => (road === 'distribution') === this.isOfDistribution(integration, name))
    if (!plugin.allowedActions || onRoad.length === 0) return onRoad
    const names = plugin.allowedActions(await loadConfig(this.sealer, plugin, integration))
    return onRoad.filter(({ name }) => names.includes(name))
  }

  private isOfDistribution({ plugin, serves }: Integration, action: string): boolean {
    return serves === 'distribution' || this.catalog.get(plugin).distribution?.action === action
  }
}
