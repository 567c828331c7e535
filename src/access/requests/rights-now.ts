import { Injectable, type OnModuleInit } from '@nestjs/common'
import { type AccessRequest, type AskedResource, readRequestResources, selectRequests } from '../../approvals/requests/request.ts'
import { lockGrant } from '../../grants/grant.ts'
import { Provisioning } from '../../grants/provisioning/provisioning.ts'
import { Directory } from '../../identity/directory/directory.ts'
import { row, type Tx } from '../../platform/postgres/database.ts'
import { CarryingOut } from '../../runs/carrying-out.ts'
import { BrokerError } from '../../sdk/index.ts'
import { evaluate, evaluateAction, evaluateExtension, type FlowInForce, reasonsOf } from '../rules/evaluate.ts'
import { requesterFrom } from './requesters.ts'

/** Whether what was asked for may still be had: by this person, at this time, under this flow. Asked when it is about to be given. */
@Injectable()
export class RightsNow implements OnModuleInit {
  constructor(
    private readonly directory: Directory,
    private readonly provisioning: Provisioning,
    private readonly carryingOut: CarryingOut,
  ) {}

  onModuleInit(): void {
    const stillAllowed = async (tx: Tx, requestId: string) => {
      const [request] = await selectRequests(tx, 'q.id = $1', [requestId])
      const reasons = request ? await this.against(tx, request, await readRequestResources(tx, requestId)) : []
      if (reasons.length > 0) throw notGiven(reasons)
    }
    this.provisioning.allowedBy(stillAllowed)
    this.carryingOut.allowedBy(stillAllowed)
  }

  /** Throws what has changed since it was asked for, in words for the approver. */
  async mustHold(tx: Tx, request: AccessRequest, resources: readonly AskedResource[]): Promise<void> {
    const reasons = await this.against(tx, request, resources)
    if (reasons.length > 0) throw notNow(reasons)
  }

  /** Everything that has come to stand against it. */
  private async against(tx: Tx, request: AccessRequest, resources: readonly AskedResource[]): Promise<readonly string[]> {
    const member = await this.directory.member(request.requesterId, tx)
    if (member?.state !== 'active') return ['the requester has been disabled since']
    if (request.isAskedByLeaver) {
      return [
        'a person who made this request, or who could have made it with a token they may have a copy of, has been disabled since',
      ]
    }
    const { requester, now } = requesterFrom(member)
    const flow = await this.flowOf(tx, request)
    const { seconds, justification, fields, emergency } = request
    if (request.extendsGrantId) {
      const grant = await lockGrant(tx, request.extendsGrantId)
      const more = { seconds, justification, extended: grant?.extensions ?? 0 }
      return reasonsOf(evaluateExtension(flow, requester, more, now, 'approver'))
    }
    if (request.kind === 'action') {
      return reasonsOf(evaluateAction(flow, requester, { resources, justification, fields, emergency }, now, 'approver'))
    }
    return reasonsOf(evaluate(flow, requester, { resources, seconds, justification, fields, emergency }, now, 'approver'))
  }

  /** The rule the request was made under; whether the flow is on is asked now, and stays so until this is decided. */
  private async flowOf(tx: Tx, { flowId: id, flowVersion: version, rule }: AccessRequest): Promise<FlowInForce> {
    const found = await row<Pick<FlowInForce, 'name' | 'active' | 'integrationId'>>(
      tx,
      'select name, active, integration_id as "integrationId" from access_flows where id = $1 for share',
      [id],
    )
    return { id, version, ...found!, rule }
  }
}

function notGiven(reasons: readonly string[]): BrokerError {
  return new BrokerError('access.denied', `it was approved, but the requester may no longer have it: ${reasons.join('; ')}`, {
    fix: 'ask again when the flow allows it',
  })
}

function notNow(reasons: readonly string[]): BrokerError {
  return new BrokerError('conflict', `this cannot be approved now: ${reasons.join('; ')}`, {
    fix: reasons.every((reason) => reason.includes('only at other times'))
      ? 'approve it at a time when the flow gives access, or reject it'
      : 'reject the request; the requester can ask again when it is allowed',
  })
}
