import { Injectable } from '@nestjs/common'
import { readRequestResources, selectRequests } from '../../approvals/requests/request.ts'
import { Submissions } from '../../approvals/requests/submissions.ts'
import { Approvers } from '../../approvals/stages/approvers.ts'
import { firstUnapprovable } from '../../approvals/stages/enough-approvers.ts'
import type { ExtendGrant } from '../../contract/grants.ts'
import { lockGrant } from '../../grants/grant.ts'
import { approvedByThem, judgesHands } from '../../grants/two-sides.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { meet } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { mustBeActive } from '../../integrations/connections/connections.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { Database } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Flows } from '../flows/flows.service.ts'
import { noApprover } from '../requests/prospects.ts'
import { Requesters } from '../requests/requesters.ts'
import { evaluateExtension, type FlowInForce } from '../rules/evaluate.ts'

/** Asks for more time under the flow as it is now: bounded in length and in number. */
@Injectable()
export class ExtensionRequests {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly flows: Flows,
    private readonly approvers: Approvers,
    private readonly requesters: Requesters,
    private readonly submissions: Submissions,
    private readonly deliveries: Deliveries,
  ) {}

  async submit(caller: Caller, grantId: string, wanted: ExtendGrant): Promise<string> {
    const id = newId('req')
    try {
      await this.database.transaction(async (tx) => {
        const grant = await lockGrant(tx, grantId)
        if (grant?.granteeId !== caller.id) throw new BrokerError('not_found', `there is no grant ${grantId} of yours`)
        if (grant.state !== 'active') throw new BrokerError('conflict', `the grant is ${grant.state}: it cannot be extended`)
        const [request] = await selectRequests(tx, 'q.id = $1', [grant.requestId])
        const [flow] = await this.flows.inForce(tx, { id: request!.flowId })
        const hands = await handsOf(tx, caller)
        if (meet(hands, await judgesHands(tx, grantId))) throw approvedByThem()
        const integration = await findIntegration(tx, grant.integrationId)
        mustBeActive({ integration })
        await this.deliveries.mustAllow(integration, grant.delivery)
        const { requester, now } = await this.requesters.read(caller, tx)
        const verdict = evaluateExtension(flow!, requester, { ...wanted, extended: grant.extensions }, now)
        if (!verdict.allowed) throw denied(flow!, verdict.reasons)
        const resources = await readRequestResources(tx, grant.requestId)
        const asked = await this.approvers.of({ ...flow!, requesterId: caller.id, hands, resources }, undefined, tx)
        if (firstUnapprovable(asked) !== undefined) throw noApprover('nobody may approve the extension')
        const ask = { resources, seconds: wanted.seconds, justification: wanted.justification, fields: {}, emergency: false }
        const pinned = { ...flow!, rule: { ...flow!.rule, delivery: grant.delivery } }
        await this.submissions.submit(
          tx,
          { id, kind: 'extension', flow: pinned, caller, hands, ask, bundleId: null, extendsGrantId: grantId, plan: null },
          asked,
        )
      })
    } catch (error) {
      if (!violates(error, 'access_requests_one_extension_at_a_time')) throw error
      throw new BrokerError('conflict', 'an extension of this grant already waits for approval', {
        cause: error,
        fix: 'cancel that request first',
      })
    }
    this.work.wake('provision')
    return id
  }
}

function denied(flow: FlowInForce, reasons: readonly string[]): BrokerError {
  return new BrokerError('access.denied', `${flow.name}: ${reasons.join('; ')}`, {
    fix: 'request access again when this grant is over',
  })
}
