import type { People } from '../../contract/people.ts'
import type { AccessRule, ApproverSource } from '../../contract/rules.ts'

interface NamedPeople {
  /** where they stand in the body */
  readonly field: string
  readonly people: People
  readonly mayBeEmpty: boolean
}

/** Every list of people in a rule. */
export function peopleIn({ requesters, approval, notify }: AccessRule): NamedPeople[] {
  return [
    ...(requesters.kind === 'people' ? [{ field: 'rule.requesters', people: requesters, mayBeEmpty: false }] : []),
    ...(approval.kind === 'approvers' ? [{ field: 'rule.approval', people: approval, mayBeEmpty: false }] : []),
    ...(approval.kind === 'emergency' ? [{ field: 'rule.approval.alert', people: approval.alert, mayBeEmpty: false }] : []),
    ...(approval.kind === 'emergency' && approval.reviewers
      ? [{ field: 'rule.approval.reviewers', people: approval.reviewers, mayBeEmpty: true }]
      : []),
    ...sourcesIn({ approval }).flatMap(({ field, source }) =>
      source.kind === 'people' ? [{ field, people: source, mayBeEmpty: false }] : [],
    ),
    ...(notify ? [{ field: 'rule.notify', people: notify, mayBeEmpty: true }] : []),
  ]
}

/** Every source of approvers in a rule, those of escalations included. */
export function sourcesIn({ approval }: Pick<AccessRule, 'approval'>): { field: string; source: ApproverSource }[] {
  if (approval.kind !== 'stages') return []
  return approval.stages.flatMap((stage, i) => [
    ...stage.approvers.map((source, k) => ({ field: `rule.approval.stages.${i}.approvers.${k}`, source })),
    ...(stage.escalation?.approvers ?? []).map((source, k) => ({
      field: `rule.approval.stages.${i}.escalation.approvers.${k}`,
      source,
    })),
  ])
}
