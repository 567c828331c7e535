import { Injectable } from '@nestjs/common'
import type { AskedResource } from '../../approvals/requests/request.ts'
import { Submissions } from '../../approvals/requests/submissions.ts'
import { stageViews } from '../../approvals/stages/stage-view.ts'
import { ruleForRisk } from '../../approvals/stages/stages.ts'
import type { ActionDryRun, NewActionRequest } from '../../contract/requests.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { mustBeActive, whyInactive } from '../../integrations/connections/connections.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { newId } from '../../platform/ids.ts'
import { Database, type Tx } from '../../platform/postgres/database.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { Orders } from '../../runs/orders.service.ts'
import { clear, type Meant, mustBeConfirmed, Previews, riskWith } from '../../runs/previews.ts'
import { Flows } from '../flows/flows.service.ts'
import { Asks } from '../requests/asks.ts'
import { denied, type Prospect, Prospects, type Refusal } from '../requests/prospects.ts'
import { Requesters } from '../requests/requesters.ts'
import { Sights } from '../requests/sights.ts'
import { evaluateAction, type FlowInForce, mayRequest, reasonsOf } from '../rules/evaluate.ts'
import { placeOfInput } from './asked-input.ts'

/** What a person asks for, and under which flow it would go. */
type Considered =
  | (Exclude<Prospect, Refusal> & {
      readonly meant: Meant
      readonly resources: readonly AskedResource[]
      readonly hands: Hands
    })
  | Refusal

/** Where people ask to have an action done. It goes the way of a request for access; what a yes leads to is a run. */
@Injectable()
export class ActionRequests {
  constructor(
    private readonly database: Database,
    private readonly flows: Flows,
    private readonly prospects: Prospects,
    private readonly requesters: Requesters,
    private readonly asks: Asks,
    private readonly sights: Sights,
    private readonly previews: Previews,
    private readonly orders: Orders,
    private readonly submissions: Submissions,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOfInput(String(id))
    columns.hold({ table: 'access_requests', column: 'sealed_input', key: { id: 'text' }, place, lasting: false })
  }

  async dryRun(caller: Caller, wanted: NewActionRequest): Promise<ActionDryRun> {
    const first = await this.consider(this.database.pool, caller, wanted)
    if (!first.flow) return notAllowed(first.reasons)
    const integration = await findIntegration(this.database.pool, wanted.integrationId)
    if (integration.state !== 'active') return notAllowed([whyInactive(integration)])
    const prospect = await this.consider(this.database.pool, caller, wanted, await this.previews.whyForGood(first.meant))
    if (!prospect.flow) return notAllowed(prospect.reasons)
    const { flow, asked, meant } = prospect
    return {
      allowed: true,
      reasons: [],
      flow: { id: flow.id as `flw_${string}`, name: flow.name, version: flow.version },
      automatic: asked.stages.length === 0,
      stages: stageViews(asked),
      preview: await this.previews.shown(meant),
    }
  }

  /** Answers the new request's id. One that needs nobody is approved in the same transaction. */
  async submit(caller: Caller, wanted: NewActionRequest): Promise<string> {
    const id = newId('req')
    const before = await this.consider(this.database.pool, caller, wanted)
    if (!before.flow) throw denied(before)
    mustBeConfirmed(before.meant, wanted.confirm)
    mustBeActive({ integration: await findIntegration(this.database.pool, wanted.integrationId) })
    const [plan, forGood] = await Promise.all([this.previews.plan(before.meant), this.previews.whyForGood(before.meant)])
    await this.database.transaction(async (tx) => {
      const prospect = await this.consider(tx, caller, wanted, forGood)
      if (!prospect.flow) throw denied(prospect)
      const { flow, asked, hands, meant, resources } = prospect
      const { action } = meant
      const shown = {
        name: action.name,
        title: action.title,
        input: clear(meant),
        risk: riskWith(meant, forGood),
        ...(forGood === undefined ? { reversible: true } : { reversible: false, irreversible: forGood }),
      }
      const sealedInput = this.sealer.seal(JSON.stringify(wanted.input), placeOfInput(id))
      await this.submissions.submit(
        tx,
        {
          id,
          kind: 'action',
          flow,
          caller,
          hands,
          ask: { resources, seconds: 1, justification: wanted.justification, fields: wanted.fields },
          bundleId: null,
          extendsGrantId: null,
          plan,
          action: { shown, sealedInput },
        },
        asked,
      )
    })
    this.orders.wake()
    return id
  }

  /** @param forGood why it could not be undone this time, where the target was asked: then it is riskier, and more approve it */
  private async consider(tx: Tx, caller: Caller, wanted: NewActionRequest, forGood?: string): Promise<Considered> {
    const { integrationId, action, justification, fields, emergency } = wanted
    const { requester, now } = await this.requesters.read(caller, tx)
    const flows = (await this.flows.inForce(tx, wanted.flowId ? { id: wanted.flowId } : { integrationId })).filter(
      (flow) => flow.integrationId === integrationId && mayRequest(flow.rule, requester) && names(flow, action),
    )
    // A person who may ask for nothing of the kind is told nothing of it, nor of the integration.
    if (flows.length === 0) return NO_FLOW
    const meant = await this.previews.look(integrationId, action, wanted.input, tx)
    const sight = await this.sights.of(caller, tx, requester)
    const resources = await this.asks.concerned(tx, integrationId, meant.concerns, action, sight)
    const hands = await handsOf(tx, caller)
    const risky = flows.map((flow) => ({ ...flow, rule: ruleForRisk(flow.rule, riskWith(meant, forGood).level) }))
    const prospect = await this.prospects.under(tx, risky, { requesterId: caller.id, hands, resources }, (flow) =>
      reasonsOf(evaluateAction(flow, requester, { resources, justification, fields, emergency }, now)),
    )
    return prospect.flow ? { ...prospect, meant, resources, hands } : prospect
  }
}

const NO_FLOW: Refusal = { flow: undefined, reasons: ['no access flow of yours covers this action'], lacksApproversOnly: false }

function notAllowed(reasons: readonly string[]): ActionDryRun {
  return { allowed: false, reasons: [...reasons], flow: null, automatic: false, stages: [], preview: null }
}

function names({ rule }: FlowInForce, action: string): boolean {
  return Object.values(rule.actions ?? {}).some((actions) => actions.includes(action))
}
