import { Inject, Injectable } from '@nestjs/common'
import { ActionRunner, grantAccessOf } from '../actions/runner.ts'
import { BROKER, record } from '../audit/record.ts'
import type { Config } from '../config.ts'
import type { DryRun, NewRequest } from '../contract/access.ts'
import { runIdOf } from '../grants/grant.ts'
import { Provisioning } from '../grants/provisioning.ts'
import type { Caller } from '../identity/caller.ts'
import { Directory, type Person } from '../identity/directory.ts'
import { Connections } from '../integrations/connections.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { DueWork, enqueue } from '../platform/due-work.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { BrokerError, type GrantInput, type Json, type Step } from '../sdk/index.ts'
import { type Ask, type AskedResource, evaluate, type FlowInForce } from './evaluate.ts'
import { Flows } from './flows.service.ts'

/** What would become of an ask: under which flow, or why under none, and who would decide. */
interface Prospect {
  readonly flow: FlowInForce | undefined
  readonly reasons: readonly string[]
  readonly approvers: readonly Person[]
  readonly ask: Ask
}

export const REQUEST_LAPSES = 'request.lapse'

/** Where people ask. What an ask would lead to and what it does lead to are the same code. */
@Injectable()
export class Requests {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly flows: Flows,
    private readonly directory: Directory,
    private readonly connections: Connections,
    private readonly runner: ActionRunner,
    private readonly provisioning: Provisioning,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Nothing is written; the plan is the one that would be carried out. */
  async dryRun(caller: Caller, wanted: NewRequest): Promise<DryRun> {
    const prospect = await this.prospect(this.database.pool, caller, wanted)
    const { flow } = prospect
    if (!flow) {
      return {
        allowed: false,
        reasons: [...prospect.reasons],
        flow: null,
        automatic: false,
        needed: 0,
        approvers: [],
        steps: [],
        guarantee: null,
      }
    }
    const connection = await this.connections.use(flow.integrationId)
    const { steps } = await this.plan(flow.integrationId, newId('req'), inputOf(prospect.ask))
    return {
      allowed: true,
      reasons: [],
      flow: { id: flow.id as `flw_${string}`, name: flow.name, version: flow.version },
      automatic: flow.rule.approval.kind === 'automatic',
      needed: neededFor(flow),
      approvers: prospect.approvers.map(({ id, name }) => ({ id: id as `usr_${string}`, name })),
      steps,
      guarantee: grantAccessOf(connection).expiryGuarantee(connection.client, flow.rule.delivery),
    }
  }

  /** Answers the new request's id. One that needs nobody is approved in the same transaction. */
  async submit(caller: Caller, wanted: NewRequest): Promise<string> {
    const id = newId('req')
    await this.database.transaction(async (tx) => {
      const { flow, reasons, ask } = await this.prospect(tx, caller, wanted)
      if (!flow) throw denied(reasons, ask)
      await this.insert(tx, { id, flow, caller, ask, extendsGrantId: null })
      if (flow.rule.approval.kind === 'automatic') await this.approveAtOnce(tx, id, flow, caller, ask)
    })
    this.work.wake('provision')
    return id
  }

  /** The steps an approval of this request would carry out. */
  async plan(integrationId: string, requestId: string, input: GrantInput): Promise<{ steps: Omit<Step, 'sealed'>[] }> {
    const connection = await this.connections.use(integrationId)
    const context = this.runner.context(connection, runIdOf(requestId), { isOurs: () => true })
    const steps = await grantAccessOf(connection).plan(context, input)
    return { steps: steps.map(({ kind, target, summary, args }) => ({ kind, target, summary, args })) }
  }

  async insert(
    tx: Tx,
    request: { id: string; flow: FlowInForce; caller: Pick<Caller, 'id'>; ask: Ask; extendsGrantId: string | null },
  ): Promise<void> {
    const { id, flow, caller, ask, extendsGrantId } = request
    const inserted = await row<{ expiresAt: Date }>(
      tx,
      `insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, justification, delivery,
         extends_grant_id, expires_at)
       values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, now() + make_interval(hours => $10)) returning expires_at as "expiresAt"`,
      [
        id,
        flow.id,
        flow.version,
        flow.integrationId,
        caller.id,
        ask.seconds,
        ask.justification,
        flow.rule.delivery,
        extendsGrantId,
        this.config.pendingHours,
      ],
    )
    await rows(
      tx,
      `insert into access_request_resources (request_id, resource_id, permissions)
       select $1, r.id, r.permissions from jsonb_to_recordset($2::jsonb) as r (id text, permissions text[])`,
      [id, JSON.stringify(ask.resources.map((resource) => ({ id: resource.id, permissions: resource.permissions })))],
    )
    await enqueue(tx, [{ lane: 'background', kind: REQUEST_LAPSES, subject: id, at: inserted?.expiresAt }])
    await record(tx, {
      kind: 'request.submitted',
      actor: caller.id,
      subject: id,
      data: {
        flow: flow.id,
        version: flow.version,
        seconds: ask.seconds,
        justification: ask.justification,
        extends: extendsGrantId ?? undefined,
        resources: ask.resources.map((resource) => ({ name: resource.name, permissions: [...resource.permissions] })) as Json,
      },
    })
  }

  private async approveAtOnce(tx: Tx, id: string, flow: FlowInForce, caller: Caller, ask: Ask): Promise<void> {
    await rows(
      tx,
      `update access_requests set state = 'approved', approved_seconds = seconds, decided_at = now() where id = $1`,
      [id],
    )
    await rows(tx, 'delete from due_work where kind = $1 and subject = $2', [REQUEST_LAPSES, id])
    await record(tx, { kind: 'request.approved', actor: BROKER, subject: id, data: { automatic: true, seconds: ask.seconds } })
    await this.provisioning.order(tx, {
      requestId: id,
      integrationId: flow.integrationId,
      granteeId: caller.id,
      seconds: ask.seconds,
      delivery: flow.rule.delivery,
      input: inputOf(ask),
    })
  }

  private async prospect(tx: Pick<Tx, 'query'>, caller: Caller, wanted: NewRequest): Promise<Prospect> {
    const ask = await this.ask(tx, wanted)
    const integrationId = ask.resources[0]!.integrationId
    const flows = await this.flows.inForce(tx, wanted.flowId ? { id: wanted.flowId } : { integrationId })
    const none: Prospect = { flow: undefined, reasons: ['no access flow covers this integration'], approvers: [], ask }
    const reasons: string[] = []
    for (const flow of flows) {
      const verdict = evaluate(flow, caller, ask)
      if (!verdict.allowed) {
        // Whoever may not ask under a flow learns nothing of it but that it is not theirs.
        reasons.push(...verdict.reasons.map((reason) => `${flow.name}: ${reason}`))
        continue
      }
      const approvers = await this.approvers(flow, caller.id)
      if (flow.rule.approval.kind === 'automatic' || approvers.length >= neededFor(flow))
        return { flow, reasons: [], approvers, ask }
      reasons.push(`${flow.name}: nobody could approve it (${approvers.length} of ${neededFor(flow)} approvers besides you)`)
    }
    return flows.length === 0 ? none : { ...none, reasons }
  }

  /** Who may decide now, never the requester. */
  async approvers(flow: Pick<FlowInForce, 'rule'>, requesterId: string): Promise<Person[]> {
    const { approval } = flow.rule
    if (approval.kind === 'automatic') return []
    return (await this.directory.members(approval.groups, approval.users)).filter((person) => person.id !== requesterId)
  }

  private async ask(tx: Pick<Tx, 'query'>, wanted: NewRequest): Promise<Ask> {
    const permissions = new Map<string, Set<string>>()
    for (const { resourceId, permissions: asked } of wanted.resources) {
      permissions.set(resourceId, new Set([...(permissions.get(resourceId) ?? []), ...asked]))
    }
    const found = await readResources(tx, [...permissions.keys()])
    for (const [i, { resourceId }] of wanted.resources.entries()) {
      if (!found.has(resourceId)) {
        throw new BrokerError('input.invalid', `there is no resource ${resourceId}`, {
          field: `resources.${i}.resourceId`,
          fix: 'search for it again',
        })
      }
    }
    const resources = [...permissions].map(([id, asked]) => ({ ...found.get(id)!, permissions: [...asked].sort() }))
    const other = resources.findIndex((resource) => resource.integrationId !== resources[0]!.integrationId)
    if (other > 0) {
      throw new BrokerError('input.invalid', 'belongs to another integration than the first', {
        field: `resources.${other}.resourceId`,
        fix: 'make one request per integration',
      })
    }
    return { resources, seconds: wanted.seconds, justification: wanted.justification }
  }
}

export async function readResources(
  tx: Pick<Tx, 'query'>,
  ids: readonly string[],
): Promise<Map<string, Omit<AskedResource, 'permissions'>>> {
  const found = await rows<Omit<AskedResource, 'permissions'>>(
    tx,
    `select id, type, name, tags, attributes, ungrantable, gone_at is not null as gone, integration_id as "integrationId"
     from resources where id = any($1)`,
    [ids],
  )
  return new Map(found.map((resource) => [resource.id, resource]))
}

/** What the plugin is told of the resources. */
export function inputOf(ask: Pick<Ask, 'resources'>): GrantInput {
  return {
    resources: ask.resources.map(({ type, name, attributes, permissions }) => ({ type, name, attributes, permissions })),
  }
}

export function neededFor(flow: Pick<FlowInForce, 'rule'>): number {
  return flow.rule.approval.kind === 'automatic' ? 0 : flow.rule.approval.needed
}

function denied(reasons: readonly string[], ask: Ask): BrokerError {
  const ungrantable = ask.resources.find((resource) => resource.ungrantable !== null)
  if (ungrantable)
    return new BrokerError('access.ungrantable', `${ungrantable.name} cannot be granted: ${ungrantable.ungrantable}`, {
      field: 'resources',
    })
  const unapprovable = reasons.length > 0 && reasons.every((reason) => reason.includes('nobody could approve'))
  return new BrokerError(unapprovable ? 'access.no_approver' : 'access.denied', reasons.join('; '), {
    fix: unapprovable
      ? 'ask an admin to name more approvers in the flow'
      : 'change the request, or ask an admin for an access flow that covers it',
  })
}
