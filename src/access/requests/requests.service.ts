import { Injectable } from '@nestjs/common'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Submissions } from '../../approvals/requests/submissions.ts'
import { Approvers, type Asked, type Matter } from '../../approvals/stages/approvers.ts'
import { firstUnapprovable } from '../../approvals/stages/enough-approvers.ts'
import { stageViews } from '../../approvals/stages/stage-view.ts'
import { stagesOf } from '../../approvals/stages/stages.ts'
import type { DryRun, NewRequest } from '../../contract/requests.ts'
import { type Caller, seesAll } from '../../identity/callers/caller.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { Connections, mustBeActive, whyInactive } from '../../integrations/connections.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration, type Integration } from '../../integrations/integration.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { Database, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Flows } from '../flows/flows.service.ts'
import { type Ask, evaluate, type FlowInForce, mayRequest } from '../rules/evaluate.ts'
import { Asks } from './asks.ts'
import { Plans } from './plans.ts'
import { Requesters } from './requesters.ts'
import { Sights } from './sights.ts'

/** What would become of an ask: under which flow and who would decide, or why under none. */
type Prospect = { readonly ask: Ask; readonly hands: Hands } & (
  | { readonly flow: FlowInForce; readonly integration: Integration; readonly asked: Asked }
  | { readonly flow: undefined; readonly reasons: readonly string[] }
)

/** Where people ask. What an ask would lead to and what it does lead to are the same code. */
@Injectable()
export class Requests {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly flows: Flows,
    private readonly approvers: Approvers,
    private readonly requesters: Requesters,
    private readonly asks: Asks,
    private readonly sights: Sights,
    private readonly connections: Connections,
    private readonly deliveries: Deliveries,
    private readonly plans: Plans,
    private readonly submissions: Submissions,
  ) {}

  /** Nothing is written; the plan is the one that would be carried out. */
  async dryRun(caller: Caller, wanted: NewRequest): Promise<DryRun> {
    const prospect = await this.prospect(this.database.pool, caller, wanted)
    if (!prospect.flow) return notAllowed(prospect.reasons)
    const { flow, asked, ask, integration } = prospect
    if (integration.state !== 'active') return notAllowed([whyInactive(integration)])
    const connection = await this.connections.use(flow.integrationId)
    const stages = stageViews(asked)
    return {
      allowed: true,
      reasons: [],
      flow: { id: flow.id as `flw_${string}`, name: flow.name, version: flow.version },
      automatic: asked.stages.length === 0,
      needed: neededIn(asked),
      approvers: stages[0]?.parties.flatMap((party) => party.people) ?? [],
      stages,
      steps: await this.plans.preview(flow.integrationId, newId('req'), ask),
      guarantee: grantAccessOf(connection).expiryGuarantee(connection.client, flow.rule.delivery),
    }
  }

  /**
   * Answers the new request's id. One that needs nobody is approved in the same transaction. It is judged before, as planning it asks the
   * target; what an admin changes meanwhile refuses it, and everything else is judged again when access is given.
   */
  async submit(caller: Caller, wanted: NewRequest): Promise<string> {
    const id = newId('req')
    const prospect = await this.prospect(this.database.pool, caller, wanted)
    const { ask, hands } = prospect
    if (!prospect.flow) throw denied(prospect.reasons, ask)
    const { flow, integration } = prospect
    mustBeActive({ integration })
    const plan = await this.plans.toKeep(flow.integrationId, id, ask)
    await this.database.transaction(async (tx) => {
      mustBeActive({ integration: await findIntegration(tx, flow.integrationId) })
      const asked = await this.approvers.of(matterOf(flow, caller, hands, ask), undefined, tx)
      if (firstUnapprovable(asked) !== undefined) throw denied([NOBODY], ask)
      const submission = {
        id,
        kind: 'access' as const,
        flow,
        caller,
        hands,
        ask,
        bundleId: wanted.bundleId ?? null,
        extendsGrantId: null,
        plan,
      }
      await this.submissions.submit(tx, submission, asked)
    })
    this.work.wake('provision')
    return id
  }

  private async prospect(tx: Tx, caller: Caller, wanted: NewRequest): Promise<Prospect> {
    const { requester, now } = await this.requesters.read(caller, tx)
    const ask = await this.asks.read(tx, wanted, await this.sights.of(caller, tx, requester))
    const { integrationId } = ask.resources[0]!
    const hands = await handsOf(tx, caller)
    // A refusal names flows, their people and their rules: a requester learns nothing of one for other people, as if it were not there.
    const flows = (await this.flows.inForce(tx, wanted.flowId ? { id: wanted.flowId } : { integrationId })).filter(
      ({ rule }) => seesAll(caller) || mayRequest(rule, requester),
    )
    const integration = await findIntegration(tx, integrationId)
    const deliveries = await this.deliveries.allowed(integration)
    const reasons: string[] = []
    for (const flow of flows) {
      const verdict = evaluate(flow, requester, ask, now)
      const flaws = verdict.allowed ? [] : [...verdict.reasons]
      const { delivery } = flow.rule
      if (!deliveries.includes(delivery)) flaws.push(`${integration.name} does not hand credentials over as ${delivery}`)
      if (flaws.length > 0) {
        reasons.push(...flaws.map((flaw) => `${flow.name}: ${flaw}`))
        continue
      }
      const asked = await this.approvers.of(matterOf(flow, caller, hands, ask), undefined, tx)
      const blocked = firstUnapprovable(asked)
      if (blocked === undefined) return { flow, integration, asked, ask, hands }
      const lasting = stagesOf(flow.rule.approval).length > 1 ? ` in stage ${blocked + 1}` : ''
      reasons.push(`${flow.name}: ${NOBODY}${lasting}`)
    }
    return { flow: undefined, reasons: flows.length === 0 ? [NO_FLOW] : reasons, ask, hands }
  }
}

/** What decides who must be asked. */
function matterOf(flow: FlowInForce, requester: Pick<Caller, 'id'>, hands: Hands, { resources }: Pick<Ask, 'resources'>): Matter {
  return { ...flow, requesterId: requester.id, hands, resources }
}

const NO_FLOW = 'no access flow of yours covers this integration'
const NOBODY = 'too few people other than you may approve it'

function notAllowed(reasons: readonly string[]): DryRun {
  const nothing = { flow: null, automatic: false, needed: 0, approvers: [], stages: [], steps: [], guarantee: null }
  return { allowed: false, reasons: [...reasons], ...nothing }
}

export function neededIn({ stages }: Pick<Asked, 'stages'>): number {
  return stages.reduce((sum, stage) => sum + stage.parties.reduce((parties, party) => parties + party.needed, 0), 0)
}

function denied(reasons: readonly string[], ask: Ask): BrokerError {
  const ungrantable = ask.resources.find((resource) => resource.ungrantable !== null)
  if (ungrantable) {
    return new BrokerError('access.ungrantable', `${ungrantable.name} cannot be granted: ${ungrantable.ungrantable}`, {
      field: 'resources',
      fix: 'leave this resource out, or have it renamed in its system',
    })
  }
  const unapprovable = reasons.length > 0 && reasons.every((reason) => reason.includes(NOBODY))
  return new BrokerError(unapprovable ? 'access.no_approver' : 'access.denied', reasons.join('; '), {
    fix: unapprovable
      ? 'ask an admin to name more approvers in the access flow'
      : 'change the request, or ask an admin for an access flow that covers it',
  })
}
