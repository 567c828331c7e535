import type { People } from '../../contract/people.ts'
import type { AccessRule, ApprovalStage, ApproverSource } from '../../contract/rules.ts'

interface NamedPeople {
  /** where they stand in the body */
  readonly field: string
  readonly people: People
  readonly mayBeEmpty: boolean
}

/** Every list of people in a rule. */
export function peopleIn({ requesters, approval, riskStages, notify }: AccessRule): NamedPeople[] {
  return [
    ...(requesters.kind === 'people' ? [{ field: 'rule.requesters', people: requesters, mayBeEmpty: false }] : []),
    ...(approval.kind === 'approvers' ? [{ field: 'rule.approval', people: approval, mayBeEmpty: false }] : []),
    ...(approval.kind === 'emergency' ? [{ field: 'rule.approval.alert', people: approval.alert, mayBeEmpty: false }] : []),
    ...(approval.kind === 'emergency' && approval.reviewers
      ? [{ field: 'rule.approval.reviewers', people: approval.reviewers, mayBeEmpty: true }]
      : []),
    ...sourcesIn({ approval, riskStages }).flatMap(({ field, source }) =>
      source.kind === 'people' ? [{ field, people: source, mayBeEmpty: false }] : [],
    ),
    ...(notify ? [{ field: 'rule.notify', people: notify, mayBeEmpty: true }] : []),
  ]
}

/** Every source of approvers in a rule, those of escalations included. */
export function sourcesIn({
  approval,
  riskStages,
}: Pick<AccessRule, 'approval' | 'riskStages'>): { field: string; source: ApproverSource }[] {
  return [
    ...(approval.kind === 'stages' ? sourcesOf('rule.approval.stages', approval.stages) : []),
    ...sourcesOf('rule.riskStages.stages', riskStages?.stages ?? []),
  ]
}

function sourcesOf(field: string, stages: readonly ApprovalStage[]): { field: string; source: ApproverSource }[] {
  return stages.flatMap((stage, i) => [
    ...stage.approvers.map((source, k) => ({ field: `${field}.${i}.approvers.${k}`, source })),
    ...(stage.escalation?.approvers ?? []).map((source, k) => ({ field: `${field}.${i}.escalation.approvers.${k}`, source })),
  ])
}
