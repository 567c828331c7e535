import type { GrantView } from '../contract/grants.ts'
import type { HealthReport } from '../contract/integrations.ts'
import type { ProposalView } from '../contract/proposals.ts'
import type { RequestView } from '../contract/requests.ts'
import { inWords } from './duration.ts'
import { facts, plain } from './lines.ts'

interface Named {
  readonly name: string
  readonly permissions: readonly string[]
}

export function resourcesInWords(resources: readonly Named[]): string {
  return resources.map(({ name, permissions }) => `${name} (${permissions.join(', ')})`).join('; ')
}

export function grantInWords(grant: GrantView): string[] {
  return facts({
    grant: grant.id,
    state: grant.state,
    access: resourcesInWords(grant.resources),
    for: grant.grantee.name,
    until: grant.state === 'active' ? `${grant.expiresAt} (${inWords(grant.secondsLeft)} left)` : grant.expiresAt,
    'ended because': grant.endReason,
    note: grant.endNote,
    'not proved': grant.writtenOff && writtenOffInWords(grant.writtenOff),
    problem: grant.problem && problemInWords(grant.problem),
  })
}

export function problemInWords({ code, message, fix }: NonNullable<GrantView['problem']>): string {
  return `${[message, fix].filter(Boolean).join(' — ')} (${code})`
}

export function writtenOffInWords({ by, reason, because }: NonNullable<GrantView['writtenOff']>): string {
  return `written off by ${by.name}, because ${reason} (${because})`
}

type AnyRequest = Omit<RequestView, 'steps' | 'approvers' | 'stages' | 'waitsFor'> &
  Partial<Pick<RequestView, 'approvers' | 'stages' | 'waitsFor'>>

/** A name is its owner's to choose: what they sign in as stands beside, and the address where it may help. */
export function whoInWords({ name, userName, email }: RequestView['requester'], isWhole = false): string {
  const beside = [userName, isWhole ? email : null].filter((one) => one !== null)
  return beside.length === 0 ? name : `${name} (${beside.join(', ')})`
}

/** How long access is asked for; an action has no length. */
export function secondsInWords({
  kind,
  seconds,
  approvedSeconds,
}: Pick<RequestView, 'kind' | 'seconds' | 'approvedSeconds'>): string {
  return kind === 'action' ? '' : inWords(approvedSeconds ?? seconds)
}

/** Of an order that four eyes hold back; repeated with its key it may be decided by now. */
export function heldInWords({ id, state, problem }: ProposalView): string {
  if (state === 'open') return `${id} waits for a second person; until then nothing is done.`
  return `${id} is ${state}${problem ? `: ${plain(problem.message)}` : '.'}`
}

export function requestInWords(request: AnyRequest): string[] {
  const { approvals } = request
  const given = approvals.map(
    ({ approver, decision, reason }) => `${decision} by ${whoInWords(approver)}${reason && `: ${reason}`}`,
  )
  return facts({
    request: request.id,
    state: request.state,
    [request.kind === 'action' ? 'action' : 'access']: resourcesInWords(request.resources),
    for: [secondsInWords(request), whoInWords(request.requester, true)].filter(Boolean).join(', '),
    risk: request.action && `${request.action.risk.level}: ${request.action.risk.reasons.join(' ')}`,
    because: request.justification,
    decisions: given.join('; '),
    'waits for': request.state === 'pending' ? waitsForInWords(request) : undefined,
    'ended because': request.endReason,
    grant: request.grantId,
  })
}

/** What the current stage still needs; a list does not say who is in it. */
function waitsForInWords({ stage, stages, waitsFor, undecidable }: AnyRequest): string {
  if (undecidable) return 'nobody: too few people are left who could approve it'
  if (!stages || !waitsFor) return `approval in stage ${stage + 1}`
  const parties = waitsFor.map(({ missing, people }) => `${missing} of ${people.map(({ name }) => name).join(', ')}`)
  return parties.join(', and ') + (stages.length > 1 ? ` (stage ${stage + 1} of ${stages.length})` : '')
}

const MARKS = { ok: 'ok      ', warning: 'warning ', failed: 'FAILED  ' } as const

/** What was looked at, how it stands, and what to do about it. */
export function checksInWords(checks: HealthReport['checks']): string[] {
  return checks.flatMap(({ name, status, detail, fix }) => [
    `${MARKS[status]}  ${plain(name)}: ${plain(detail)}`,
    ...(fix === undefined ? [] : fix.split('\n').map((line) => `          ${plain(line)}`)),
  ])
}
