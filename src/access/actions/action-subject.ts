import { Injectable, type OnModuleInit } from '@nestjs/common'
import { type AccessRequest, type AskedResource, noteRun } from '../../approvals/requests/request.ts'
import { type Subject, Subjects } from '../../approvals/requests/subjects.ts'
import { namesOf } from '../../approvals/requests/words.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { Orders } from '../../runs/orders.service.ts'
import { isHigher, type Risk } from '../../runs/risk.ts'
import { BrokerError, parseJson } from '../../sdk/index.ts'
import { RightsNow } from '../requests/rights-now.ts'
import { placeOfInput } from './asked-input.ts'

/** An approved request for an action becomes a run of it. */
@Injectable()
export class ActionSubject implements Subject, OnModuleInit {
  readonly kind = 'action'

  constructor(
    private readonly subjects: Subjects,
    private readonly rights: RightsNow,
    private readonly orders: Orders,
    private readonly sealer: Sealer,
  ) {}

  onModuleInit(): void {
    this.subjects.register(this)
  }

  readonly inWords: Subject['inWords'] = (request, resources) =>
    `the action “${request.action?.title ?? ''}” on ${namesOf(resources)}`

  async users() {
    return []
  }

  mustHold(tx: Tx, request: AccessRequest, resources: readonly AskedResource[]): Promise<void> {
    return this.rights.mustHold(tx, request, resources)
  }

  async carryOut(
    tx: Tx,
    { id, integrationId, requesterId, justification, action, sealedInput, plan }: AccessRequest,
  ): Promise<void> {
    if (!action || sealedInput === null) throw new TypeError(`nothing is left of what ${id} asks for`)
    const input = parseJson(this.sealer.open(sealedInput, placeOfInput(id)).reveal())
    const startedBy = { kind: 'person', id: requesterId } as const
    const reason = justification.trim() === '' ? `request ${id}` : justification
    const order = {
      integrationId,
      action: action.name,
      input,
      reason,
      startedBy,
      requestId: id,
      approved: plan,
      risk: action.risk,
      idempotencyKey: id,
    }
    const ready = await this.orders.ready(order, tx)
    mustBeAsRisky(action.risk, ready.meant.risk)
    await noteRun(tx, id, (await ready.write(tx)).id)
  }
}

/** Who approves decides on the risk that they were shown, and on its stages. */
function mustBeAsRisky(asked: Risk, now: Risk): void {
  if (!isHigher(now.level, asked.level)) return
  throw new BrokerError(
    'conflict',
    `the risk is now ${now.level}; it was ${asked.level} when the action was requested: ${now.reasons.join(' ')}`,
    {
      fix: 'reject the request; if the requester asks again, the approvers for that risk are asked',
    },
  )
}
