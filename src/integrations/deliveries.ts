import { Injectable } from '@nestjs/common'
import { Catalog } from '../catalog/catalog.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError, type ErrorCode } from '../sdk/index.ts'
import type { Integration } from './integration.ts'
import { loadConfig } from './secrets/integration-config.ts'

/** How credentials may reach people: what a plugin offers, of it what an integration allows. Asked whenever one is on its way. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
  ) {}

  async allowed(integration: Integration): Promise<string[]> {
    const plugin = this.catalog.get(integration.plugin)
    const offered = plugin.grantAccess?.deliveries.map(({ name }) => name) ?? []
    if (!plugin.allowedDeliveries) return offered
    const allowed = plugin.allowedDeliveries(await loadConfig(this.sealer, plugin, integration))
    return offered.filter((name) => allowed.includes(name))
  }

  /** Throws unless the integration allows it as it is configured now. */
  async mustAllow(integration: Integration, delivery: string, refusal: { code?: ErrorCode; field?: string } = {}): Promise<void> {
    const allowed = await this.allowed(integration)
    if (allowed.includes(delivery)) return
    const { code = 'conflict', field } = refusal
    throw new BrokerError(code, `${integration.name} does not hand credentials over as ${delivery}`, {
      field,
      fix: `use ${allowed.join(' or ') || 'another integration'}, or ask an admin to allow ${delivery} in the integration's settings`,
    })
  }
}
