import { Injectable } from '@nestjs/common'
import { Catalog } from '../../catalog/catalog.ts'
import type { ResourceOffers } from '../../contract/offers.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { Resources } from '../../integrations/resources/resources.service.ts'
import { Database } from '../../platform/postgres/database.ts'
import { Flows } from '../flows/flows.service.ts'
import { Requesters } from '../requests/requesters.ts'
import { Sights } from '../requests/sights.ts'
import { type FlowInForce, mayRequest, selects } from '../rules/evaluate.ts'

/** What somebody may ask for on one resource: of flows for other people they learn nothing, be they who they are. */
@Injectable()
export class Offers {
  constructor(
    private readonly database: Database,
    private readonly resources: Resources,
    private readonly sights: Sights,
    private readonly flows: Flows,
    private readonly requesters: Requesters,
    private readonly catalog: Catalog,
  ) {}

  async of(caller: Caller, resourceId: string): Promise<ResourceOffers> {
    const tx = this.database.pool
    const { requester } = await this.requesters.read(caller, tx)
    const resource = await this.resources.get(resourceId, await this.sights.of(caller, tx, requester))
    const { integrationId, type } = resource
    const { plugin } = await findIntegration(tx, integrationId)
    const offers = (await this.flows.inForce(tx, { integrationId }))
      .filter(
        ({ active, rule }) =>
          active && mayRequest(rule, requester) && selects(rule, resource) && rule.permissions[type] !== undefined,
      )
      .map((flow) => offerOf(flow, type))
    const kind = this.catalog.get(plugin).resourceTypes.find(({ id }) => id === type)
    const permitted = new Set(offers.flatMap(({ permissions }) => permissions))
    return {
      resource,
      typeTitle: kind?.title ?? type,
      permissions: (kind?.permissions ?? [])
        .filter(({ id }) => permitted.has(id))
        .map(({ id, title, description }) => ({ id, title, description })),
      offers,
    }
  }
}

function offerOf({ id, name, rule }: FlowInForce, type: string): ResourceOffers['offers'][number] {
  return {
    flow: { id: id as `flw_${string}`, name },
    permissions: rule.permissions[type] ?? [],
    maxSeconds: rule.maxSeconds,
    justification: rule.justification,
    fields: rule.fields ?? [],
    automatic: rule.approval.kind === 'automatic',
    emergency: rule.approval.kind === 'emergency',
  }
}
