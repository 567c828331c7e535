import type { RequestEvent } from './request-machine.ts'

export interface Decision {
  readonly approverId: string
  readonly decision: 'approve' | 'reject'
  readonly seconds: number | null
}

/** What the decisions made so far amount to. Only those count whose maker may decide now; the requester never may. */
export function decide(decisions: readonly Decision[], eligible: ReadonlySet<string>, needed: number): RequestEvent | undefined {
  const counting = decisions.filter((decision) => eligible.has(decision.approverId))
  if (counting.some((decision) => decision.decision === 'reject')) return 'reject'
  const approvers = new Set(counting.map((decision) => decision.approverId))
  return approvers.size >= needed ? 'approve' : undefined
}

/** The shortest time any approver allowed; never longer than asked. */
export function approvedSeconds(asked: number, decisions: readonly Decision[], eligible: ReadonlySet<string>): number {
  const limits = decisions.filter((d) => d.decision === 'approve' && eligible.has(d.approverId)).flatMap((d) => d.seconds ?? [])
  return Math.min(asked, ...limits)
}
