import { Injectable } from '@nestjs/common'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Submissions } from '../../approvals/requests/submissions.ts'
import type { Asked } from '../../approvals/stages/approvers.ts'
import { stageViews } from '../../approvals/stages/stage-view.ts'
import type { DryRun, NewRequest } from '../../contract/requests.ts'
import { USUAL_SECONDS } from '../../contract/time.ts'
import { type Caller, seesAll } from '../../identity/callers/caller.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { Connections, mustBeActive, whyInactive } from '../../integrations/connections/connections.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration, type Integration } from '../../integrations/integration.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { Database } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Flows } from '../flows/flows.service.ts'
import { type Ask, evaluate, type FlowInForce, mayRequest, reasonsOf } from '../rules/evaluate.ts'
import { Asks, secondsUnder } from './asks.ts'
import { Plans } from './plans.ts'
import { denied, type Prospect, Prospects, type Refusal } from './prospects.ts'
import { Requesters } from './requesters.ts'
import { Sights } from './sights.ts'

/** What a person asks for, with their hands, and what would become of it. */
interface Considered {
  readonly prospect: Prospect
  readonly integration: Integration
  readonly ask: Ask
  readonly hands: Hands
}

/** Where people ask. What an ask would lead to and what it does lead to are the same code. */
@Injectable()
export class Requests {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly flows: Flows,
    private readonly prospects: Prospects,
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
    const { prospect, ask, integration } = await this.consider(caller, wanted)
    if (!prospect.flow) return notAllowed(ask, prospect.reasons)
    const { flow, asked } = prospect
    if (integration.state !== 'active') return notAllowed(ask, [whyInactive(integration)])
    const connection = await this.connections.use(flow.integrationId)
    const stages = stageViews(asked)
    return {
      allowed: true,
      reasons: [],
      flow: { id: flow.id as `flw_${string}`, name: flow.name, version: flow.version },
      seconds: ask.seconds,
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
    const { prospect, ask, hands, integration } = await this.consider(caller, wanted)
    if (!prospect.flow) throw refused(prospect, ask)
    const { flow } = prospect
    mustBeActive({ integration })
    const plan = await this.plans.toKeep(flow.integrationId, id, ask)
    await this.database.transaction(async (tx) => {
      mustBeActive({ integration: await findIntegration(tx, flow.integrationId) })
      const still = await this.prospects.under(tx, [flow], { ...ask, requesterId: caller.id, hands })
      if (!still.flow) throw denied(still)
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
      await this.submissions.submit(tx, submission, still.asked)
    })
    this.work.wake('provision')
    return id
  }

  private async consider(caller: Caller, wanted: NewRequest): Promise<Considered> {
    const tx = this.database.pool
    const { requester, now } = await this.requesters.read(caller, tx)
    const open = await this.asks.read(tx, wanted, await this.sights.of(caller, tx, requester))
    const { integrationId } = open.resources[0]!
    const hands = await handsOf(tx, caller)
    // A refusal names flows, their people and their rules: a requester learns nothing of one for other people, as if it were not there.
    const flows = (await this.flows.inForce(tx, wanted.flowId ? { id: wanted.flowId } : { integrationId })).filter(
      ({ rule }) => seesAll(caller) || mayRequest(rule, requester),
    )
    const integration = await findIntegration(tx, integrationId)
    const deliveries = await this.deliveries.allowed(integration)
    const under = ({ rule }: FlowInForce): Ask => ({ ...open, seconds: secondsUnder(rule, open.seconds) })
    const prospect = await this.prospects.under(tx, flows, { ...open, requesterId: caller.id, hands }, (flow) => {
      const { delivery } = flow.rule
      const isHandedOver = deliveries.includes(delivery)
      return [
        ...reasonsOf(evaluate(flow, requester, under(flow), now)),
        ...(isHandedOver ? [] : [`${integration.name} does not hand credentials over as ${delivery}`]),
      ]
    })
    const ask = prospect.flow ? under(prospect.flow) : { ...open, seconds: open.seconds ?? USUAL_SECONDS }
    return { prospect: flows.length === 0 ? NO_FLOW : prospect, integration, ask, hands }
  }
}

const NO_FLOW: Refusal = {
  flow: undefined,
  reasons: ['no access flow of yours covers this integration'],
  lacksApproversOnly: false,
}

function notAllowed({ seconds }: Ask, reasons: readonly string[]): DryRun {
  const nothing = { flow: null, automatic: false, needed: 0, approvers: [], stages: [], steps: [], guarantee: null }
  return { allowed: false, reasons: [...reasons], seconds, ...nothing }
}

export function neededIn({ stages }: Pick<Asked, 'stages'>): number {
  return stages.reduce((sum, stage) => sum + stage.parties.reduce((parties, party) => parties + party.needed, 0), 0)
}

function refused(refusal: Refusal, ask: Ask): BrokerError {
  const ungrantable = ask.resources.find((resource) => resource.ungrantable !== null)
  if (!ungrantable) return denied(refusal)
  return new BrokerError('access.ungrantable', `${ungrantable.name} cannot be granted: ${ungrantable.ungrantable}`, {
    field: 'resources',
    fix: 'leave this resource out, or have it renamed in its system',
  })
}
