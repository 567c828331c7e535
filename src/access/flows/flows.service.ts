import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { ChangeKind } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import { type ChangedFlow, changedFlow, type FlowQuery, type FlowView, type NewFlow, newFlow } from '../../contract/flows.ts'
import type { Page } from '../../contract/lists.ts'
import type { AccessRule } from '../../contract/rules.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { enqueue } from '../../platform/due/due-work.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import { byId } from '../cursor.ts'
import type { FlowInForce } from '../rules/evaluate.ts'
import { FlowChecks } from './flow-checks.ts'
import { flowOff } from './flow-off.ts'

type FlowRow = FlowInForce & { createdAt: Date; changedAt: Date }

const SELECT = `select f.id, f.name, f.integration_id as "integrationId", f.active, f.version, v.rule, f.created_at as "createdAt",
  f.changed_at as "changedAt" from access_flows f join access_flow_versions v on v.flow_id = f.id and v.version = f.version`

/** The rules: these people may have these permissions on these resources, so long, if these approve. */
@Injectable()
export class Flows implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly checks: FlowChecks,
    private readonly cursors: Cursors,
    private readonly fourEyes: FourEyes,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.fourEyes.register(this.changing)
  }

  create(caller: Caller, flow: NewFlow): Promise<FlowView | Held> {
    return this.fourEyes.submit(caller, this.creating, null, flow)
  }

  /** A changed rule makes a new version; requests keep the one they were made under. */
  change(caller: Caller, id: string, change: ChangedFlow): Promise<FlowView | Held> {
    return this.fourEyes.submit(caller, this.changing, id, change)
  }

  async get(id: string, tx: Tx = this.database.pool): Promise<FlowView> {
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
  inForce(tx: Tx, which: { id: string } | { integrationId: string }): Promise<FlowInForce[]> {
    const [column, value] = 'id' in which ? ['f.id', which.id] : ['f.integration_id', which.integrationId]
    return rows(tx, `${SELECT} where ${column} = $1 order by v.rule -> 'approval' ->> 'kind' desc, f.id`, [value])
  }

  /** Every flow that is on. */
  allInForce(tx: Tx): Promise<FlowInForce[]> {
    return rows(tx, `${SELECT} where f.active order by f.id`, [])
  }

  /** A flow as it was when the request was made. */
  async pinned(tx: Tx, id: string, version: number): Promise<AccessRule> {
    const found = await row<{ rule: AccessRule }>(
      tx,
      'select rule from access_flow_versions where flow_id = $1 and version = $2',
      [id, version],
    )
    if (!found) throw noSuchFlow(id)
    return found.rule
  }

  private readonly creating: ChangeKind<NewFlow, FlowView> = {
    kind: 'flow.create',
    roles: ['admin', 'owner'],
    parse: (body) => newFlow.parse(body),
    summary: async (_, flow) => {
      await this.checks.check(this.database.pool, flow.integrationId, flow.rule)
      return { ...flow, rule: jsonOf(flow.rule) }
    },
    prepare: async (by, _, flow) => ({ write: (tx) => this.insert(tx, by, flow) }),
  }

  private readonly changing: ChangeKind<ChangedFlow, FlowView> = {
    kind: 'flow.change',
    roles: ['admin', 'owner'],
    parse: (body) => changedFlow.parse(body),
    summary: async (id, { rule, ...change }) => {
      const { integrationId } = await this.get(id!)
      if (rule) await this.checks.check(this.database.pool, integrationId, rule)
      return { ...change, ...(rule && { rule: jsonOf(rule) }) }
    },
    base: async (tx, id) => {
      await row(tx, 'select 1 from access_flows where id = $1 for update', [id])
      const { name, active, version, rule } = await this.get(id, tx)
      return { shown: { name, active, version, rule: jsonOf(rule) } }
    },
    prepare: async (by, id, change) => ({ write: (tx) => this.update(tx, by, id!, change) }),
  }

  private async insert(tx: Tx, by: string, flow: NewFlow): Promise<FlowView> {
    await this.checks.check(tx, flow.integrationId, flow.rule)
    const id = newId('flw')
    await rows(
      tx,
      `with flow as (
         insert into access_flows (id, name, integration_id, active, created_by) values ($1, $2, $3, $4, $5) returning id)
       insert into access_flow_versions (flow_id, version, rule, created_by) select id, 1, $6, $5 from flow`,
      [id, flow.name, flow.integrationId, flow.active, by, JSON.stringify(flow.rule)],
    ).catch(nameTaken(flow.name))
    await record(tx, { kind: 'flow.created', actor: by, subject: id, data: { name: flow.name, version: 1 } })
    return this.get(id, tx)
  }

  private async update(tx: Tx, by: string, id: string, change: ChangedFlow): Promise<FlowView> {
    const flow = await row<{ version: number; integrationId: string }>(
      tx,
      'select version, integration_id as "integrationId" from access_flows where id = $1 for update',
      [id],
    )
    if (!flow) throw noSuchFlow(id)
    if (change.version !== undefined && change.version !== flow.version) {
      throw new BrokerError('conflict', `the flow was changed since you read it: its version is now ${flow.version}`, {
        field: 'version',
        fix: 'read it again, and repeat your change with that version',
      })
    }
    // Switched on as it is, it must deliver what the integration still allows.
    if (change.active && !change.rule)
      await this.checks.mustDeliver(tx, flow.integrationId, await this.pinned(tx, id, flow.version))
    const version = change.rule ? flow.version + 1 : flow.version
    if (change.rule) {
      await this.checks.check(tx, flow.integrationId, change.rule)
      await rows(tx, 'insert into access_flow_versions (flow_id, version, rule, created_by) values ($1, $2, $3, $4)', [
        id,
        version,
        JSON.stringify(change.rule),
        by,
      ])
    }
    await rows(
      tx,
      `update access_flows set name = coalesce($2, name), active = coalesce($3, active), version = $4, changed_at = now() where id = $1`,
      [id, change.name ?? null, change.active ?? null, version],
    ).catch(nameTaken(change.name))
    if (change.active === false) await enqueue(tx, [flowOff(id)])
    await record(tx, {
      kind: 'flow.changed',
      actor: by,
      subject: id,
      data: { version, name: change.name, active: change.active, rule: change.rule !== undefined },
    })
    return this.get(id, tx)
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

const jsonOf = (rule: AccessRule) => rule as unknown as Json

const noSuchFlow = (id: string) => new BrokerError('not_found', `there is no access flow ${id}`)

function nameTaken(name: string | undefined) {
  return (error: unknown): never => {
    const constraint = (error as { driverError?: { constraint?: string } }).driverError?.constraint
    if (constraint !== 'access_flows_name_taken') throw error
    throw new BrokerError('name.taken', `another access flow has the name ${name}`, { field: 'name', cause: error })
  }
}
