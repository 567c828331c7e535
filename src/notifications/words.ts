import { namesOf } from '../approvals/requests/words.ts'
import type { Part } from '../audit/kinds/kind.ts'
import { BROKER } from '../audit/record.ts'
import type { ChainEvent } from './chain-event.ts'
import { called, type Facts, type RunFacts } from './facts.ts'
import { type WhereToLook, whereToLook } from './where-to-look.ts'

/** What a person is told, as plain text in lines; the code that shows it escapes it. */
export interface Message {
  readonly subject: string
  readonly sentence: string
  readonly details: readonly (readonly [label: string, value: string])[]
  readonly look: WhereToLook
}

interface Phrase {
  readonly who: string
  readonly whose: string
  /** resources */
  readonly what: string
  /** what the request is about, as a phrase */
  readonly asked: string
}

const PHRASES: Readonly<Record<string, (phrase: Phrase) => string>> = {
  'request.submitted': ({ who, asked }) => `${who} asked for ${asked}`,
  'request.stage': ({ whose, asked }) => `${whose} request for ${asked} waits for the next approvers`,
  'request.reminded': ({ whose, asked }) => `${whose} request for ${asked} still waits for a decision`,
  'request.escalated': ({ whose, asked }) => `${whose} request for ${asked} was passed on to more approvers`,
  'request.undecidable': ({ whose, asked }) =>
    `Nobody can decide on ${whose === 'Your' ? 'your' : whose} request for ${asked} any more`,
  'request.decidable': ({ whose, asked }) => `${whose} request for ${asked} can be decided on again`,
  'request.emergency': ({ who, asked }) => `Emergency: ${who} took ${asked} without approval`,
  'request.approved': ({ whose, asked }) => `${whose} request for ${asked} was approved`,
  'request.rejected': ({ whose, asked }) => `${whose} request for ${asked} was rejected`,
  'request.cancelled': ({ whose, asked }) => `${whose} request for ${asked} was cancelled`,
  'request.cancelled by the broker': ({ whose, asked }) =>
    `${whose} request for ${asked} was ended by the broker before anybody decided`,
  'request.expired': ({ whose, asked }) => `${whose} request for ${asked} was not decided in time`,
  'grant.provisioning': ({ whose, what }) => `${whose} access to ${what} is being set up`,
  'grant.active': ({ whose, what }) => `${whose} access to ${what} is ready`,
  'grant.extended': ({ whose, what }) => `${whose} access to ${what} was extended`,
  'grant.revoking': ({ whose, what }) => `${whose} access to ${what} is being ended`,
  'grant.expired': ({ whose, what }) => `${whose} access to ${what} has ended`,
  'grant.revoked': ({ whose, what }) => `${whose} access to ${what} was ended early`,
  'grant.failed': ({ whose, what }) => `${whose} access to ${what} could not be set up`,
  'grant.stuck': ({ whose, what }) => `${whose} access to ${what} could not be ended yet: an admin must look`,
  'grant.plan_changed': ({ whose, what }) =>
    `${whose} access to ${what} was not given, because it would differ from what was approved`,
  'grant.written_off': ({ whose, what }) => `${whose} access to ${what} was written off: nobody has proved that it is gone`,
  'grant.came_back': ({ whose, what }) =>
    `What was left of ${whose === 'Your' ? 'your' : whose} access to ${what} is now proved gone`,
  'grant.rechecked': ({ whose, what }) => `A leftover of ${whose} access to ${what} was removed`,
  'grant.altered': ({ whose, what }) => `${whose} access to ${what} was changed in the target, and not by the broker`,
  'run.executed': () => 'The action that you ordered is done',
  'run.cancelled': () => 'An action was cancelled',
  'run.failed': () => 'An action failed',
  'run.undoing': () => 'An action is being undone',
  'run.undone': () => 'An action was undone',
  'run.refused': () => 'An action could not be undone: what it did stays',
  'certificate.expiring': () => 'A certificate expires soon',
  'certificate.expired': () => 'A certificate has expired',
  'certificate_source.failed': () => 'A certificate was not renewed',
  'certificate_source.revoked': () => 'A certificate was revoked, and targets may still have it',
  'distribution.failed': () => 'A certificate did not reach every target',
  'distribution.rollback_incomplete': () => 'A certificate could not be taken back from every target',
  'run.stuck': () => 'An action could not be undone yet: an admin must look',
  'rotation.due': () => 'Something must be rotated by hand',
  'rotation.stopped': () => 'A rotation was paused, because its integration was removed',
  'rotation.refused': () => 'A rotation was due and did not run',
  'rotation.failed': () => 'A rotation failed, and what it changed may still be there',
  'rotation.failed and undone': () => 'A rotation failed and was undone',
  'review.closed': ({ whose, what }) => `${whose} emergency access to ${what} was reviewed`,
  'person.roles_lost': () => 'You have lost a role in Latchkey',
  'person.not_linked': () => 'One person may be here twice, once from signing in and once from SCIM',
  'token.created': () => 'An admin made a token for you, and can read and ask for access in your name with it',
  'scim_token.maker_left': () => 'A former admin has seen a SCIM token that still works: rotate it',
  'webhook.paused': () => 'A webhook was paused: the person who made it was disabled, or their token was revoked',
  'token.revoked': () => 'Your token was revoked: the person who made it, or who may hold a copy, is no longer active',
  'enrolment.created': () =>
    'An enrolment code was made for you: you, or the admin who made it, can get a token in your name with it',
  'enrolment.redeemed': () => 'Your enrolment code was redeemed for a token of yours',
  'integration.session_lost': () => 'The broker cannot keep its login at a target',
  'integration.session_back': () => 'The broker is logged in at a target again',
  'integration.written_off': () => 'Access on a system that is gone was written off: nobody has proved that it is gone',
  'orphan.removed': () => 'A leftover that belongs to no grant was removed',
  'foreign.found': () => 'Something was found in a target under the broker’s own names, and the broker did not make it',
  'sweep.alarm': () => 'So many grants look altered in the target that the broker ended none: an admin must look',
  'target.restored': () => 'A target was restored from a backup: the broker is looking for access that should have ended',
  'proposal.made': () => 'A change waits for a second person',
  'proposal.accepted': () => 'Your change was accepted and is being made',
  'proposal.performed': () => 'Your change was made',
  'proposal.declined': () => 'Your change was declined',
  'proposal.withdrawn': () => 'Your change was withdrawn',
  'proposal.lapsed': () => 'Your change was not decided in time',
  'proposal.failed': () => 'Your change was accepted but could not be made',
}

const WHAT_NOW: Readonly<Partial<Record<Part, string>>> = {
  decide: 'Nothing happens until an approver decides.',
  accept: 'Nothing happens until another person accepts it.',
  holder: 'If you did not ask for it, revoke it and tell another admin.',
  self: 'If you do not know why, ask an admin.',
  review: 'You may review emergency access. Somebody other than the person who took it must review it.',
}

/**
 * @param facts of the request, with what it is about as a phrase
 * @param names of people, by id
 * @param run that the event is about
 */
export function messageFor(
  event: ChainEvent,
  part: Part,
  facts: (Facts & { readonly asked: string }) | undefined,
  names: ReadonlyMap<string, string>,
  run?: RunFacts,
): Message {
  const name = facts ? called(facts.requester) : 'Somebody'
  const [who, whose] = part === 'own' ? ['You', 'Your'] : [name, `${name}’s`]
  const what = facts ? namesOf(facts.resources) : event.subject
  const asked = facts?.asked ?? event.subject
  const isOver = event.kind === 'request.cancelled'
  const asksTheReader = part === 'decide' && event.kind !== 'request.reminded' && !isOver
  const kind = isOver && event.actor === BROKER ? 'request.cancelled by the broker' : kindOf(event)
  const subject = asksTheReader
    ? `${name} asks you to approve ${asked}`
    : (PHRASES[kind]?.({ who, whose, what, asked }) ?? `${event.kind.replace(/[._]/g, ' ')}: ${what}`)
  const whatNow = kind === 'token.revoked' ? 'If you still need it, ask an admin for a new enrolment code.' : WHAT_NOW[part]
  const sentence = [`${subject}.`, isOver ? undefined : whatNow].filter(Boolean).join(' ')
  return {
    subject,
    sentence,
    details: detailsOf(event, facts, names, run),
    look: whereToLook(event, facts, part),
  }
}

function kindOf({ kind, data }: ChainEvent): string {
  return kind === 'rotation.failed' && data['isUndone'] === true ? 'rotation.failed and undone' : kind
}

function detailsOf(
  event: ChainEvent,
  facts: Facts | undefined,
  names: ReadonlyMap<string, string>,
  run: RunFacts | undefined,
): [string, string][] {
  const by = names.get(event.actor)
  // What a person or a target said tells more than the broker's word for it.
  const said = ['note', 'message', 'reason']
    .map((key) => event.data[key])
    .find((value) => typeof value === 'string' && value !== '')
  const details: [string, string | undefined][] = [
    ...(facts?.resources
      .slice(0, 20)
      .map(({ name, permissions }): [string, string] => ['Access', `${permissions.join(', ')} on ${name}`]) ?? []),
    ['For', facts && facts.kind !== 'action' ? inWords(facts.seconds) : undefined],
    ['Action', run?.action],
    ['On', run?.things.slice(0, 20).join(', ')],
    ['Integration', facts?.integration ?? run?.integration ?? integrationIn(event)],
    ['Access flow', facts?.flow],
    ['Requester', facts && [called(facts.requester), facts.requester.email].filter(Boolean).join(', ')],
    ['Because', facts?.justification ?? run?.reason],
    ['Webhook', event.kind === 'webhook.paused' ? String(event.data['name']) : undefined],
    ['Rotation', event.subject.startsWith('rot_') ? String(event.data['name']) : undefined],
    ['Token', event.kind === 'token.created' ? String(event.data['name']) : undefined],
    ['Lost', event.kind === 'person.roles_lost' ? [event.data['roles']].flat().join(', ') : undefined],
    ['Scopes', event.kind === 'token.created' ? [event.data['scopes']].flat().join(', ') : undefined],
    ['By', facts && by === called(facts.requester) ? undefined : by],
    ['Reason', typeof said === 'string' ? said.replaceAll('_', ' ') : undefined],
    ['What to do', typeof event.data['fix'] === 'string' ? event.data['fix'] : undefined],
    ['Ends', /^grant\.(active|extended)$/.test(event.kind) ? facts?.expiresAt?.toISOString() : undefined],
    ['When', event.at.toISOString()],
    ['Reference', facts?.requestId ?? event.subject],
  ]
  return details.filter((detail): detail is [string, string] => detail[1] !== undefined && detail[1] !== '')
}

function integrationIn({ subject, data }: ChainEvent): string | undefined {
  return subject.startsWith('int_') && typeof data['name'] === 'string' ? data['name'] : undefined
}

const UNITS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const

function inWords(seconds: number): string {
  const [length, unit] = UNITS.find(([length]) => seconds % length === 0) ?? UNITS[3]
  const count = seconds / length
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
