import type { RequestView } from '../contract/access.ts'
import type { GrantView } from '../contract/grants.ts'
import { inWords } from './duration.ts'
import { facts } from './lines.ts'

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
    problem: grant.problem && [grant.problem.message, grant.problem.fix].filter(Boolean).join(' — '),
  })
}

type AnyRequest = Omit<RequestView, 'steps' | 'approvers'> & Partial<Pick<RequestView, 'approvers'>>

export function requestInWords(request: AnyRequest): string[] {
  const { approvals, approvers, needed } = request
  const given = approvals.map(({ approver, decision, reason }) => `${decision} by ${approver.name}${reason && `: ${reason}`}`)
  return facts({
    request: request.id,
    state: request.state,
    access: resourcesInWords(request.resources),
    for: `${inWords(request.approvedSeconds ?? request.seconds)}, ${request.requester.name}`,
    because: request.justification,
    decisions: given.join('; '),
    'waits for': request.state === 'pending' ? `${needed} of ${approvers?.map(({ name }) => name).join(', ')}` : undefined,
    grant: request.grantId,
  })
}
