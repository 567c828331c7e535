import { Injectable } from '@nestjs/common'
import { Approvers, type Asked, type Matter } from '../../approvals/stages/approvers.ts'
import { firstUnapprovable } from '../../approvals/stages/enough-approvers.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { FlowInForce } from '../rules/evaluate.ts'

/** What would become of an ask: under which flow and who would decide, or why under none. */
export type Prospect = { readonly flow: FlowInForce; readonly asked: Asked } | Refusal

export interface Refusal {
  readonly flow: undefined
  readonly reasons: readonly string[]
  /** whether people to approve it are all that is missing */
  readonly lacksApproversOnly: boolean
}

/** Finds the flow an ask goes under. */
@Injectable()
export class Prospects {
  constructor(private readonly approvers: Approvers) {}

  /** The first of these flows that has nothing against the ask and enough people to approve it. */
  async under(
    tx: Tx,
    flows: readonly FlowInForce[],
    ask: Pick<Matter, 'requesterId' | 'hands' | 'resources'>,
    flawsOf: (flow: FlowInForce) => readonly string[] = () => [],
  ): Promise<Prospect> {
    const reasons: string[] = []
    let lacksApproversOnly = flows.length > 0
    for (const flow of flows) {
      const flaws = flawsOf(flow)
      if (flaws.length > 0) {
        lacksApproversOnly = false
        reasons.push(...flaws.map((flaw) => `${flow.name}: ${flaw}`))
        continue
      }
      const asked = await this.approvers.of({ ...flow, ...ask }, undefined, tx)
      const blocked = firstUnapprovable(asked)
      if (blocked === undefined) return { flow, asked }
      const where = asked.stages.length > 1 ? ` in stage ${blocked + 1}` : ''
      reasons.push(`${flow.name}: too few people other than you may approve it${where}`)
    }
    return { flow: undefined, reasons, lacksApproversOnly }
  }
}

export function denied({ reasons, lacksApproversOnly }: Refusal): BrokerError {
  if (lacksApproversOnly) return noApprover(reasons.join('; '))
  return new BrokerError('access.denied', reasons.join('; '), {
    fix: 'change the request, or ask an admin for an access flow that covers it',
  })
}

export function noApprover(why: string): BrokerError {
  return new BrokerError('access.no_approver', why, { fix: 'ask an admin to name more approvers in the access flow' })
}
