import type { FlowView } from '../../../../src/contract/flows.ts'
import type { People } from '../../../../src/contract/people.ts'
import type { AccessRule, ApprovalStage, ApproverSource, Condition } from '../../../../src/contract/rules.ts'
import { inWords } from '../../parts/duration.ts'
import { listed } from '../../parts/people.ts'
import { words as common } from '../../words.ts'
import { flows as words } from '../../words-for-flows.ts'

/** How somebody is called, by their id. */
export type NameOf = (id: string) => string

/** More people are not named in a sentence. */
const NAMED = 3

/** The people and groups that the sentences about a rule name. */
export function namedIn({ requesters, approval, riskStages, notify }: AccessRule): string[] {
  const stages = [...(approval.kind === 'stages' ? approval.stages : []), ...(riskStages?.stages ?? [])]
  const sources = stages.flatMap(({ approvers, escalation }) => [...approvers, ...(escalation?.approvers ?? [])])
  const lists = [
    requesters.kind === 'people' && requesters,
    approval.kind === 'approvers' && approval,
    approval.kind === 'emergency' && approval.alert,
    approval.kind === 'emergency' && approval.reviewers,
    ...sources.map((source) => source.kind === 'people' && source),
    notify,
  ]
  return [...new Set(lists.flatMap((people) => (people ? idsOf(people).slice(0, NAMED) : [])))]
}

/** A flow in two sentences: what it gives, and who approves. */
export function inShort({ rule }: Pick<FlowView, 'rule'>, nameOf: NameOf): string {
  const who = requesters(rule, nameOf)
  const where = also(rule.resources.map(selection))
  const permissions = [...new Set(Object.values(rule.permissions).flat())].join(', ')
  const actions = [...new Set(Object.values(rule.actions ?? {}).flat())].join(', ')
  const gives = [
    permissions && words.sentence(who, permissions, where, inWords(rule.maxSeconds)),
    actions && words.actionsAlone(who, actions, where),
  ]
  return [...gives, approval(rule, nameOf)].filter(Boolean).join(' ')
}

export function requesters({ requesters: asked }: AccessRule, nameOf: NameOf): string {
  return asked.kind === 'everyone' ? words.everyone : people(asked, nameOf)
}

export function people(who: People, nameOf: NameOf): string {
  const ids = idsOf(who)
  const names = ids.slice(0, NAMED).map((id) => ({ name: id.startsWith('grp_') ? words.inGroup(nameOf(id)) : nameOf(id) }))
  return listed(ids.length > NAMED ? [...names, { name: words.others(ids.length - NAMED) }] : names)
}

/** What one selector selects. */
export function selection({ types = [], paths = [], tags = {} }: AccessRule['resources'][number]): string {
  const names = paths.length > 0 ? paths : types
  const pairs = Object.entries(tags)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')
  if (names.length === 0) return pairs === '' ? words.everything : words.tagged(pairs)
  return also(names) + (pairs && words.withTags(pairs))
}

export function approval({ approval: asked }: AccessRule, nameOf: NameOf): string {
  switch (asked.kind) {
    case 'automatic':
      return words.approves.automatic
    case 'emergency':
      return words.approves.emergency(people(asked.alert, nameOf))
    case 'approvers':
      return words.approves.by(party(asOneStage(asked), nameOf))
    case 'stages':
      return words.approves.by(asked.stages.map((one) => party(one, nameOf)).join(words.approves.after))
  }
}

/** The short form of a rule, as what it is short for. */
export function asOneStage({ needed, ...who }: Extract<AccessRule['approval'], { kind: 'approvers' }>): ApprovalStage {
  return { approvers: [{ ...who, kind: 'people' }], needed }
}

/** Who decides in a stage. */
export function party({ approvers, needed }: ApprovalStage, nameOf: NameOf): string {
  const who = sources(approvers, nameOf)
  if (needed === 1) return who
  return words.approves.party(needed === 'all' ? words.approves.all : String(needed), who)
}

export function stage(one: ApprovalStage, nameOf: NameOf): string {
  if (!one.escalation) return party(one, nameOf)
  const { afterSeconds, approvers } = one.escalation
  return `${party(one, nameOf)}; ${words.rule.escalates(inWords(afterSeconds), sources(approvers, nameOf))}`
}

export function condition(one: Condition): string {
  if ('all' in one) return one.all.map(inner).join(words.rule.all)
  if ('any' in one) return one.any.map(inner).join(words.rule.any)
  return words.rule.compare(one)
}

const inner = (one: Condition): string => ('attribute' in one ? condition(one) : `(${condition(one)})`)

function sources(approvers: readonly ApproverSource[], nameOf: NameOf): string {
  const names = approvers.map((one) => (one.kind === 'people' ? people(one, nameOf) : words.approves.sources[one.kind]))
  return listed(names.map((name) => ({ name })))
}

const idsOf = ({ users, groups }: People): readonly string[] => [...users, ...groups]

/** For a list of what all of them have in common. */
export const also = (names: readonly string[]) =>
  listed(
    names.map((name) => ({ name })),
    common.and,
  )
