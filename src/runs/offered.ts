import { Injectable } from '@nestjs/common'
import { Catalog } from '../catalog/catalog.ts'
import type { Connection } from '../integrations/connections.ts'
import { Connections } from '../integrations/connections.ts'
import { findConnected, type Integration } from '../integrations/integration.ts'
import { loadConfig } from '../integrations/secrets/integration-config.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { type AnyAction, BrokerError } from '../sdk/index.ts'

/** Which actions an integration allows: those of its plugin that its configuration does not rule out. Granting access is none of them. */
@Injectable()
export class OfferedActions {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly connections: Connections,
  ) {}

  async of(integrationId: string, tx: Tx = this.database.pool): Promise<readonly AnyAction<unknown>[]> {
    return this.allowed(await findConnected(tx, integrationId))
  }

  /** The action and the connection it goes through. Throws `target.unsupported` for one that the integration does not allow. */
  async find(
    integrationId: string,
    name: string,
    tx: Tx = this.database.pool,
  ): Promise<{ connection: Connection; action: AnyAction<unknown> }> {
    const allowed = await this.of(integrationId, tx)
    const action = allowed.find((each) => each.name === name)
    if (action) return { connection: await this.connections.use(integrationId), action }
    const names = allowed.map((each) => each.name).join(', ')
    throw new BrokerError('target.unsupported', `this integration allows no action ${name}`, {
      field: 'action',
      fix: names
        ? `choose one of ${names}, or let an admin allow it in the integration’s settings`
        : 'it allows none: let an admin allow it in the integration’s settings',
    })
  }

  private async allowed(integration: Integration): Promise<readonly AnyAction<unknown>[]> {
    const plugin = this.catalog.get(integration.plugin)
    if (!plugin.allowedActions || plugin.actions.length === 0) return plugin.actions
    const names = plugin.allowedActions(await loadConfig(this.sealer, plugin, integration))
    return plugin.actions.filter(({ name }) => names.includes(name))
  }
}
