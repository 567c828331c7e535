import type { AccessRule, ApprovalStage } from '../contract/access.ts'
import type { RequestEvent } from './request-machine.ts'

/** People of whom so many must agree. */
export interface Party {
  readonly people: ReadonlySet<string>
  readonly needed: number
}

/** A stage as it stands now: every party must agree. */
export interface Stage {
  readonly parties: readonly Party[]
  readonly escalatesAfterSeconds: number | null
}

export interface Decision {
  readonly approverId: string
  readonly decision: 'approve' | 'reject'
  readonly stage: number
  readonly seconds: number | null
}

/** The stages of a rule, the short form included; none where nobody is asked. */
export function stagesOf(approval: AccessRule['approval']): readonly ApprovalStage[] {
  switch (approval.kind) {
    case 'automatic':
    case 'emergency':
      return []
    case 'approvers':
      return [{ approvers: [{ kind: 'people', users: approval.users, groups: approval.groups }], needed: approval.needed }]
    case 'stages':
      return approval.stages
  }
}

/** What the decisions of one stage amount to. Only those count whose maker may decide now. */
export function decide(stage: Stage, decisions: readonly Decision[]): Exclude<RequestEvent, 'cancel' | 'lapse'> | undefined {
  const counting = decisions.filter((decision) => mayDecide(stage, decision.approverId))
  if (counting.some((decision) => decision.decision === 'reject')) return 'reject'
  const approvers = new Set(counting.map((decision) => decision.approverId))
  return stage.parties.every((party) => [...approvers].filter((approver) => party.people.has(approver)).length >= party.needed)
    ? 'approve'
    : undefined
}

/** The first stage that is not agreed to as things stand now; undefined when all are. */
export function firstOpen(stages: readonly Stage[], decisions: readonly Decision[]): number | undefined {
  const open = stages.findIndex(
    (stage, number) =>
      decide(
        stage,
        decisions.filter((decision) => decision.stage === number),
      ) !== 'approve',
  )
  return open < 0 ? undefined : open
}

export function mayDecide(stage: Stage, personId: string): boolean {
  return stage.parties.some((party) => party.people.has(personId))
}

/** Whether enough people are there at all. */
export function canBeApproved(stage: Stage): boolean {
  return stage.parties.every((party) => party.needed > 0 && party.people.size >= party.needed)
}

/** The shortest time any approver allowed; never longer than asked. */
export function approvedSeconds(asked: number, decisions: readonly Decision[]): number {
  const limits = decisions.filter((decision) => decision.decision === 'approve').flatMap((decision) => decision.seconds ?? [])
  return Math.min(asked, ...limits)
}
