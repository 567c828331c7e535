import type { AccessRule, ApprovalStage } from '../../contract/rules.ts'
import { type Hands, meet } from '../../identity/callers/hands.ts'

/** People, and how many of them must agree. */
export interface Party {
  readonly people: ReadonlySet<string>
  readonly needed: number
}

/** A stage as it stands now: every party must agree. */
export interface Stage {
  readonly parties: readonly Party[]
  readonly escalatesAfterSeconds: number | null
}

/** The stages of a request, one after another. */
export interface Stages {
  readonly stages: readonly Stage[]
  /** whether who approved in one stage counts in another as well */
  readonly mayRepeat: boolean
}

export interface Decision {
  readonly approverId: string
  readonly hands: Hands
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

const LEVELS = ['low', 'medium', 'high'] as const

/** The rule as it counts for an action of this risk: with its stages for risky ones. An emergency waits for nobody. */
export function ruleForRisk<Rule extends Pick<AccessRule, 'approval' | 'riskStages'>>(
  rule: Rule,
  level: (typeof LEVELS)[number],
): Rule {
  const { approval, riskStages } = rule
  if (!riskStages || approval.kind === 'emergency' || LEVELS.indexOf(level) < LEVELS.indexOf(riskStages.from)) return rule
  const mayRepeat = approval.kind === 'stages' && approval.mayRepeat
  return { ...rule, approval: { kind: 'stages', stages: [...stagesOf(approval), ...riskStages.stages], mayRepeat } }
}

/** What the decisions of one stage amount to. Only those count whose maker may decide now. */
export function decide(asked: Stages, number: number, decisions: readonly Decision[]): 'approve' | 'reject' | undefined {
  const stage = asked.stages[number]
  if (!stage) return undefined
  const here = decisions.filter((decision) => decision.stage === number && mayDecide(stage, decision.approverId))
  if (here.some((decision) => decision.decision === 'reject')) return 'reject'
  const approvers = counting(asked, decisions).filter((approval) => approval.stage === number)
  return stage.parties.every((party) => approvers.filter(({ approverId }) => party.people.has(approverId)).length >= party.needed)
    ? 'approve'
    : undefined
}

/** Of each party of a stage that has not agreed yet: how many are missing, and who of them may still say yes. */
export function stillNeeded(
  asked: Stages,
  number: number,
  decisions: readonly Decision[],
): { missing: number; people: string[] }[] {
  const approvers = counting(asked, decisions).filter((approval) => approval.stage === number)
  return (asked.stages[number]?.parties ?? []).flatMap(({ people, needed }) => {
    const missing = needed - approvers.filter(({ approverId }) => people.has(approverId)).length
    const left = [...people].filter((personId) => !isRepeated(asked, number, decisions, [personId]))
    return missing > 0 ? [{ missing, people: left }] : []
  })
}

/** The first stage that is not agreed to as things stand now; undefined when all are. */
export function firstOpen(asked: Stages, decisions: readonly Decision[]): number | undefined {
  const open = asked.stages.findIndex((_, number) => decide(asked, number, decisions) !== 'approve')
  return open < 0 ? undefined : open
}

/** Whether an approval of this stage by these hands would be the second of one person, as far as anybody can tell. */
export function isRepeated(
  { mayRepeat }: Pick<Stages, 'mayRepeat'>,
  number: number,
  decisions: readonly Decision[],
  hands: Hands,
): boolean {
  return decisions.some((each) => each.decision === 'approve' && (each.stage === number || !mayRepeat) && meet(each.hands, hands))
}

export function mayDecide(stage: Stage, personId: string): boolean {
  return stage.parties.some((party) => party.people.has(personId))
}

/** The shortest time any approver allowed; never longer than asked. */
export function approvedSeconds(asked: number, decisions: readonly Decision[]): number {
  const limits = decisions.filter((decision) => decision.decision === 'approve').flatMap((decision) => decision.seconds ?? [])
  return Math.min(asked, ...limits)
}

/** The approvals that count now, given in the order in which they were noted: of two that may be one person's, the earlier. */
function counting(asked: Stages, decisions: readonly Decision[]): Decision[] {
  const counted: Decision[] = []
  for (const approval of decisions) {
    const stage = asked.stages[approval.stage]
    if (approval.decision !== 'approve' || !stage || !mayDecide(stage, approval.approverId)) continue
    if (!isRepeated(asked, approval.stage, counted, approval.hands)) counted.push(approval)
  }
  return counted
}
