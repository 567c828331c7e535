import { Injectable } from '@nestjs/common'
import { peopleIn, sourcesIn } from '../../approvals/stages/rule-people.ts'
import { Catalog } from '../../catalog/catalog.ts'
import type { AccessRule } from '../../contract/rules.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration, selectIntegrations } from '../../integrations/integration.ts'
import { row, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'

/** Whether a rule speaks of what there is: types, permissions, deliveries and people. */
@Injectable()
export class FlowChecks {
  constructor(
    private readonly catalog: Catalog,
    private readonly deliveries: Deliveries,
  ) {}

  async check(tx: Tx, integrationId: string, rule: AccessRule): Promise<void> {
    const [integration] = await selectIntegrations(tx, `id = $1 and state <> 'removed'`, [integrationId])
    if (!integration)
      throw new BrokerError('input.invalid', `there is no integration ${integrationId}`, { field: 'integrationId' })
    const plugin = this.catalog.get(integration.plugin)
    if (!plugin.grantAccess) {
      throw new BrokerError('input.invalid', `${plugin.manifest.name} cannot give access`, {
        field: 'integrationId',
        fix: 'choose another integration',
      })
    }
    const types = new Map(plugin.resourceTypes.map((type) => [type.id, type.permissions.map((permission) => permission.id)]))
    for (const [type, permissions] of Object.entries(rule.permissions)) {
      const known = types.get(type)
      if (!known) throw unknown(`rule.permissions.${type}`, `${type} is not a resource type`, [...types.keys()])
      const strange = permissions.find((permission) => !known.includes(permission))
      if (strange) throw unknown(`rule.permissions.${type}`, `${strange} is not a permission on ${type}`, known)
    }
    const offered = plugin.actions.map(({ name }) => name)
    for (const [type, actions] of Object.entries(rule.actions ?? {})) {
      if (!types.has(type)) throw unknown(`rule.actions.${type}`, `${type} is not a resource type`, [...types.keys()])
      const strange = actions.find((action) => !offered.includes(action))
      if (strange) throw unknown(`rule.actions.${type}`, `${plugin.manifest.name} has no action ${strange}`, offered)
    }
    for (const [i, selector] of rule.resources.entries()) {
      const strange = selector.types?.find((type) => !types.has(type))
      if (strange) throw unknown(`rule.resources.${i}.types`, `${strange} is not a resource type`, [...types.keys()])
    }
    await this.mustDeliver(tx, integrationId, rule)
    await this.checkPeople(tx, integrationId, rule)
  }

  async mustDeliver(tx: Tx, integrationId: string, { delivery }: AccessRule): Promise<void> {
    const integration = await findIntegration(tx, integrationId)
    await this.deliveries.mustAllow(integration, delivery, { code: 'input.invalid', field: 'rule.delivery' })
  }

  private async checkPeople(tx: Tx, integrationId: string, rule: AccessRule): Promise<void> {
    for (const { field, people, mayBeEmpty } of peopleIn(rule)) {
      const named = [...people.users, ...people.groups]
      if (named.length === 0 && !mayBeEmpty) {
        throw new BrokerError('input.invalid', 'names nobody', { field, fix: 'name at least one user or group' })
      }
      const missing = await row<{ id: string }>(
        tx,
        `select i.id from unnest($1::text[]) as i (id)
         where not exists (select 1 from users u where u.id = i.id) and not exists (select 1 from groups g where g.id = i.id)`,
        [named],
      )
      if (missing) throw new BrokerError('input.invalid', `there is no ${missing.id}`, { field })
    }
    const owners = sourcesIn(rule).find(({ source }) => source.kind === 'integration_owner' || source.kind === 'resource_owner')
    const integration =
      owners && (await row<{ owners: unknown }>(tx, 'select owners from integrations where id = $1', [integrationId]))
    if (owners && !integration?.owners) {
      throw new BrokerError('input.invalid', 'the integration has no owner to ask', {
        field: owners.field,
        fix: 'name the integration’s owners first (PUT /api/integrations/:id/ownership)',
      })
    }
  }
}

const unknown = (field: string, message: string, known: readonly string[]) =>
  new BrokerError('input.invalid', message, { field, fix: `choose among ${known.join(', ')}` })
