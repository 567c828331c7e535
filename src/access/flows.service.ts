import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../audit/record.ts'
import { Catalog } from '../catalog/catalog.ts'
import {
  type AccessRule,
  type ChangedFlow,
  changedFlow,
  type FlowQuery,
  type FlowView,
  type NewFlow,
  newFlow,
} from '../contract/access.ts'
import type { Page } from '../contract/common.ts'
import { Deliveries } from '../integrations/deliveries.ts'
import { findIntegration, selectIntegrations } from '../integrations/integration.ts'
import { Cursors } from '../platform/cursors.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { newId } from '../platform/ids.ts'
import { FourEyes } from '../proposals/four-eyes.ts'
import { BrokerError } from '../sdk/index.ts'
import { byId } from './cursor.ts'
import type { FlowInForce } from './evaluate.ts'
import { peopleIn, sourcesIn } from './rule-people.ts'

type FlowRow = FlowInForce & { createdAt: Date; changedAt: Date }

const SELECT = `select f.id, f.name, f.integration_id as "integrationId", f.active, f.version, v.rule, f.created_at as "createdAt",
  f.changed_at as "changedAt" from access_flows f join access_flow_versions v on v.flow_id = f.id and v.version = f.version`

/** The rules: these people may have these permissions on these resources, so long, if these approve. */
@Injectable()
export class Flows implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly cursors: Cursors,
    private readonly fourEyes: FourEyes,
    private readonly deliveries: Deliveries,
  ) {}

  onModuleInit(): void {
    this.fourEyes.performs('flow.create', (by, _, body) => this.create({ id: by }, newFlow.parse(body)))
    this.fourEyes.performs('flow.change', (by, id, body) => this.change({ id: by }, id!, changedFlow.parse(body)))
  }

  async create(caller: { id: string }, flow: NewFlow): Promise<FlowView> {
    return this.database.transaction(async (tx) => {
      await this.check(tx, flow.integrationId, flow.rule)
      const id = newId('flw')
      await rows(
        tx,
        `with flow as (
           insert into access_flows (id, name, integration_id, active, created_by) values ($1, $2, $3, $4, $5) returning id)
         insert into access_flow_versions (flow_id, version, rule, created_by) select id, 1, $6, $5 from flow`,
        [id, flow.name, flow.integrationId, flow.active, caller.id, JSON.stringify(flow.rule)],
      ).catch(nameTaken(flow.name))
      await record(tx, { kind: 'flow.created', actor: caller.id, subject: id, data: { name: flow.name, version: 1 } })
      return this.get(id, tx)
    })
  }

  /** A changed rule makes a new version; requests keep the one they were made under. */
  async change(caller: { id: string }, id: string, change: ChangedFlow): Promise<FlowView> {
    return this.database.transaction(async (tx) => {
      const flow = await row<{ version: number; integrationId: string }>(
        tx,
        'select version, integration_id as "integrationId" from access_flows where id = $1 for update',
        [id],
      )
      if (!flow) throw noSuchFlow(id)
      if (change.version !== undefined && change.version !== flow.version) {
        throw new BrokerError('conflict', `the flow is at version ${flow.version} by now`, {
          field: 'version',
          fix: 'read it again and decide anew',
        })
      }
      // Switched on as it is, it must deliver what the integration still allows.
      if (change.active && !change.rule) await this.mustDeliver(tx, flow.integrationId, await this.pinned(tx, id, flow.version))
      const version = change.rule ? flow.version + 1 : flow.version
      if (change.rule) {
        await this.check(tx, flow.integrationId, change.rule)
        await rows(tx, 'insert into access_flow_versions (flow_id, version, rule, created_by) values ($1, $2, $3, $4)', [
          id,
          version,
          JSON.stringify(change.rule),
          caller.id,
        ])
      }
      await rows(
        tx,
        `update access_flows set name = coalesce($2, name), active = coalesce($3, active), version = $4, changed_at = now() where id = $1`,
        [id, change.name ?? null, change.active ?? null, version],
      ).catch(nameTaken(change.name))
      await record(tx, {
        kind: 'flow.changed',
        actor: caller.id,
        subject: id,
        data: { version, name: change.name, active: change.active, rule: change.rule !== undefined },
      })
      return this.get(id, tx)
    })
  }

  async get(id: string, tx: Pick<Tx, 'query'> = this.database.pool): Promise<FlowView> {
    const flow = await row<FlowRow>(tx, `${SELECT} where f.id = $1`, [id])
    if (!flow) throw noSuchFlow(id)
    return view(flow)
  }

  async list(query: FlowQuery): Promise<Page<FlowView>> {
    const after = this.cursors.read(byId('flows'), query.cursor)
    const found = await rows<FlowRow>(
      this.database.pool,
      `${SELECT} where ($1::text is null or f.id > $1) and ($2::text is null or f.integration_id = $2) order by f.id limit $3`,
      [after ?? null, query.integration ?? null, query.limit + 1],
    )
    return this.cursors.page(byId('flows'), found, query.limit, (flow) => flow.id, view)
  }

  /** The flows in force for an integration, or one of them. */
  inForce(tx: Pick<Tx, 'query'>, which: { id: string } | { integrationId: string }): Promise<FlowInForce[]> {
    const [column, value] = 'id' in which ? ['f.id', which.id] : ['f.integration_id', which.integrationId]
    return rows(tx, `${SELECT} where ${column} = $1 order by v.rule -> 'approval' ->> 'kind' desc, f.id`, [value])
  }

  /** A flow as it was when the request was made. */
  async pinned(tx: Pick<Tx, 'query'>, id: string, version: number): Promise<AccessRule> {
    const found = await row<{ rule: AccessRule }>(
      tx,
      'select rule from access_flow_versions where flow_id = $1 and version = $2',
      [id, version],
    )
    if (!found) throw noSuchFlow(id)
    return found.rule
  }

  private async check(tx: Pick<Tx, 'query'>, integrationId: string, rule: AccessRule): Promise<void> {
    const [integration] = await selectIntegrations(tx, `id = $1 and state <> 'removed'`, [integrationId])
    if (!integration)
      throw new BrokerError('input.invalid', `there is no integration ${integrationId}`, { field: 'integrationId' })
    const plugin = this.catalog.get(integration.plugin)
    if (!plugin.grantAccess) {
      throw new BrokerError('input.invalid', `${plugin.manifest.name} gives no access`, {
        field: 'integrationId',
        fix: 'choose another integration',
      })
    }
    const types = new Map(plugin.resourceTypes.map((type) => [type.id, type.permissions.map((permission) => permission.id)]))
    for (const [type, permissions] of Object.entries(rule.permissions)) {
      const known = types.get(type)
      if (!known) throw unknown(`rule.permissions.${type}`, `${type} is no resource type`, [...types.keys()])
      const strange = permissions.find((permission) => !known.includes(permission))
      if (strange) throw unknown(`rule.permissions.${type}`, `${strange} is no permission on ${type}`, known)
    }
    for (const [i, selector] of rule.resources.entries()) {
      const strange = selector.types?.find((type) => !types.has(type))
      if (strange) throw unknown(`rule.resources.${i}.types`, `${strange} is no resource type`, [...types.keys()])
    }
    await this.mustDeliver(tx, integrationId, rule)
    await this.checkPeople(tx, integrationId, rule)
  }

  private async mustDeliver(tx: Pick<Tx, 'query'>, integrationId: string, { delivery }: AccessRule): Promise<void> {
    const integration = await findIntegration(tx, integrationId)
    await this.deliveries.mustAllow(integration, delivery, { code: 'input.invalid', field: 'rule.delivery' })
  }

  private async checkPeople(tx: Pick<Tx, 'query'>, integrationId: string, rule: AccessRule): Promise<void> {
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
      throw new BrokerError('input.invalid', 'the integration has no owner who could be asked', {
        field: owners.field,
        fix: 'give the integration its owners first',
      })
    }
  }
}

function view({ id, name, integrationId, active, version, rule, createdAt, changedAt }: FlowRow): FlowView {
  return {
    id: id as FlowView['id'],
    name,
    integrationId: integrationId as FlowView['integrationId'],
    active,
    version,
    rule,
    createdAt: createdAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}

const noSuchFlow = (id: string) => new BrokerError('not_found', `there is no access flow ${id}`)

const unknown = (field: string, message: string, known: readonly string[]) =>
  new BrokerError('input.invalid', message, { field, fix: `choose among ${known.join(', ')}` })

function nameTaken(name: string | undefined) {
  return (error: unknown): never => {
    const constraint = (error as { driverError?: { constraint?: string } }).driverError?.constraint
    if (constraint !== 'access_flows_name_taken') throw error
    throw new BrokerError('name.taken', `another access flow is called ${name}`, { field: 'name', cause: error })
  }
}
