import type { AskedResource, FieldValues } from '../../approvals/requests/request.ts'
import type { AccessRule } from '../../contract/rules.ts'
import { matchesGlob } from '../../integrations/resources/glob.ts'
import { isWithin } from '../../platform/time-windows.ts'
import { type Attributes, conditionInWords, holds } from './conditions.ts'
import { fieldFlaws } from './fields.ts'

/** What somebody asks for, as the broker knows it now. */
export interface Ask {
  readonly resources: readonly AskedResource[]
  readonly seconds: number
  readonly justification: string
  readonly fields: FieldValues
  /** whether the asker confirmed that this is an emergency */
  readonly emergency: boolean
}

export interface Requester {
  readonly id: string
  readonly groupIds: readonly string[]
  readonly attributes: Attributes
}

/** A flow as it counts for one decision. */
export interface FlowInForce {
  readonly id: string
  readonly name: string
  readonly active: boolean
  readonly version: number
  readonly integrationId: string
  readonly rule: AccessRule
}

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reasons: readonly string[] }

export function reasonsOf(verdict: Verdict): readonly string[] {
  return verdict.allowed ? [] : verdict.reasons
}

/** Who reads the reasons. */
export type Told = 'requester' | 'approver'
const SUBJECT = { requester: 'you are', approver: 'the requester is' } as const

/** Whether a flow lets this person ask for this. A decision is a value with all its reasons. */
export function evaluate(flow: FlowInForce, requester: Requester, ask: Ask, at: Date, told: Told = 'requester'): Verdict {
  const { conditions, windows, approval, fields = [] } = flow.rule
  const reasons = [
    !flow.active && 'the flow is switched off',
    !isNamed(flow.rule, requester) && `${SUBJECT[told]} not among the people who may ask under it`,
    conditions && !holds(conditions, requester.attributes) && `it is for people whose ${conditionInWords(conditions)}`,
    windows && !isWithin(windows, at) && 'it gives access only at other times',
    approval.kind === 'emergency' && !ask.emergency && 'it is for emergencies: confirm that this is one',
    approval.kind !== 'emergency' && ask.emergency && 'it is not for emergencies',
    approval.kind === 'emergency' && ask.justification.trim() === '' && 'an emergency needs a reason',
    ask.seconds > flow.rule.maxSeconds && `it allows at most ${inWords(flow.rule.maxSeconds)}`,
    flow.rule.justification === 'required' && ask.justification.trim() === '' && 'it needs a justification',
    ...fieldFlaws(fields, ask.fields),
    ...ask.resources.flatMap((resource) => flawsOf(flow, resource)),
  ].filter((reason) => typeof reason === 'string')
  return reasons.length === 0 ? { allowed: true } : { allowed: false, reasons }
}

/** Whether a flow lets this person have this action done; the permissions asked for are the action's name. How long means nothing here. */
export function evaluateAction(
  flow: FlowInForce,
  requester: Requester,
  ask: Omit<Ask, 'seconds'>,
  at: Date,
  told: Told = 'requester',
): Verdict {
  const rule = { ...flow.rule, permissions: flow.rule.actions ?? {} }
  const verdict = evaluate({ ...flow, rule }, requester, { ...ask, seconds: 0 }, at, told)
  if (ask.resources.length > 0) return verdict
  const reasons = ['what it would change was never discovered, so no access flow covers it']
  return { allowed: false, reasons: [...reasonsOf(verdict), ...reasons] }
}

/** Whether the rule is for this person at all. */
export function mayRequest(rule: AccessRule, requester: Requester): boolean {
  return isNamed(rule, requester) && (rule.conditions === undefined || holds(rule.conditions, requester.attributes))
}

export interface MoreTime {
  readonly seconds: number
  readonly justification: string
  /** how often the grant was extended before */
  readonly extended: number
}

/** Whether a flow lets this person keep what they have for longer. */
export function evaluateExtension(
  flow: FlowInForce,
  requester: Requester,
  more: MoreTime,
  at: Date,
  told: Told = 'requester',
): Verdict {
  const { extensions, justification, windows } = flow.rule
  const reasons = [
    !flow.active && 'the flow is switched off',
    !mayRequest(flow.rule, requester) && `${SUBJECT[told]} no longer among the people who may ask under it`,
    windows && !isWithin(windows, at) && 'it gives access only at other times',
    more.extended >= extensions.count &&
      (extensions.count === 0 ? 'the flow allows no extension' : `it was already extended ${more.extended} times`),
    extensions.count > 0 &&
      more.seconds > extensions.maxSeconds &&
      `an extension lasts at most ${inWords(extensions.maxSeconds)}`,
    justification === 'required' && more.justification.trim() === '' && 'it needs a justification',
  ].filter((reason) => typeof reason === 'string')
  return reasons.length === 0 ? { allowed: true } : { allowed: false, reasons }
}

function isNamed(rule: AccessRule, requester: Requester): boolean {
  if (rule.requesters.kind === 'everyone') return true
  return (
    rule.requesters.users.some((id) => id === requester.id) ||
    rule.requesters.groups.some((id) => requester.groupIds.includes(id))
  )
}

/** Whether any of the rule's selectors picks the resource. */
export function selects(rule: AccessRule, resource: Pick<AskedResource, 'type' | 'name' | 'tags'>): boolean {
  return rule.resources.some(
    (selector) =>
      (selector.types?.includes(resource.type) ?? true) &&
      (selector.paths?.some((glob) => matchesGlob(glob, resource.name)) ?? true) &&
      Object.entries(selector.tags ?? {}).every(
        ([key, value]) => Object.hasOwn(resource.tags, key) && resource.tags[key] === value,
      ),
  )
}

/** `90 minutes`, `8 hours`, `45 seconds`. */
function inWords(seconds: number): string {
  const [unit, size] = (
    [
      ['day', 86_400],
      ['hour', 3_600],
      ['minute', 60],
    ] as const
  ).find(([, s]) => seconds % s === 0) ?? ['second', 1]
  const count = seconds / size
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function flawsOf(flow: FlowInForce, resource: AskedResource): (string | false)[] {
  const permitted = flow.rule.permissions[resource.type] ?? []
  const excess = resource.permissions.filter((permission) => !permitted.includes(permission))
  return [
    resource.gone && `${resource.name} is gone from its system`,
    resource.ungrantable !== null && `${resource.name} cannot be granted: ${resource.ungrantable}`,
    resource.integrationId !== flow.integrationId && `${resource.name} belongs to another integration`,
    !selects(flow.rule, resource) && `it does not cover ${resource.name}`,
    excess.length > 0 && `it does not permit ${excess.join(', ')} on ${resource.name}`,
  ]
}
