/** Why somebody is told by e-mail. In this order: who has several reasons is told once, for the first. */
export const PARTS = ['decide', 'accept', 'own', 'review', 'alert', 'holder', 'proposer', 'admin', 'notice'] as const
export type Part = (typeof PARTS)[number]

/** What an event's subject is the id of. */
export type Subject =
  | 'a bundle'
  | 'a notification'
  | 'a certificate'
  | 'a target credential'
  | 'a distribution'
  | 'a grant'
  | 'a group'
  | 'a person'
  | 'a proposal'
  | 'a request'
  | 'a rotation'
  | 'a run'
  | 'a SCIM token'
  | 'a session'
  | 'a token'
  | 'a target'
  | 'a webhook'
  | 'an enrolment code'
  | 'an integration'
  | 'an access flow'
  | 'a person or group'
  | 'somebody'

interface Kind {
  readonly subject: Subject
  readonly meaning: string
  readonly tells: readonly Part[]
}

function of<const Name extends string>(subject: Subject, kinds: Readonly<Record<Name, readonly [string, ...Part[]]>>) {
  const entries = Object.entries<readonly [string, ...Part[]]>(kinds)
  return Object.fromEntries(entries.map(([name, [meaning, ...tells]]) => [name, { subject, meaning, tells }])) as Record<
    string,
    Kind
  > as Record<Name, Kind>
}

/** Everything the audit trail can say: nothing else can be recorded, subscribed to or told. docs/events.md has the same list. */
export const KINDS = {
  ...of('a request', {
    'request.submitted': ['somebody asked for access', 'own', 'decide', 'notice'],
    'request.stage': ['its next stage of approval began', 'own', 'decide', 'notice'],
    'request.reminded': ['those who may decide were reminded', 'decide'],
    'request.escalated': ['nobody decided in time, and more people may', 'own', 'decide', 'notice'],
    'request.undecidable': ['too few people are left who could approve it', 'own', 'admin', 'notice'],
    'request.decidable': ['there are enough again', 'own', 'decide', 'notice'],
    'request.emergency': ['access was taken without approval', 'own', 'review', 'alert', 'notice'],
    'request.approved': ['it was approved, by people or by its flow', 'own', 'notice'],
    'request.rejected': ['an approver rejected it', 'own', 'notice'],
    'request.cancelled': ['it was taken back, or its reason to wait is gone', 'own', 'decide', 'notice'],
    'request.expired': ['nobody decided in time', 'own', 'notice'],
    'approval.noted': ['an approver decided, either way'],
    'approval.void': ['an approval counts no more: who gave it, or may have, was disabled or may not decide any more'],
    'review.closed': ['somebody else reviewed an emergency', 'own', 'review'],
  }),
  ...of('a grant', {
    'grant.provisioning': ['the access is being set up', 'own', 'notice'],
    'grant.active': ['the access is ready', 'own', 'notice'],
    'grant.extended': ['its end was moved', 'own', 'notice'],
    'grant.revoking': ['its end began', 'own', 'notice'],
    'grant.stuck': ['it cannot be taken away: a person must look', 'own', 'admin', 'notice'],
    'grant.expired': ['it ended at its time, every piece proved gone', 'own', 'notice'],
    'grant.revoked': ['it ended before its time, every piece proved gone', 'own', 'notice'],
    'grant.failed': ['it could not be set up, and every piece is proved gone', 'own', 'notice'],
    'grant.plan_changed': ['what would be done is not what was approved, so it was not done', 'admin'],
    'grant.written_off': ['an admin wrote it off: its system is gone, and nothing is proved', 'own', 'notice'],
    'grant.came_back': ['its system is back after it was written off, and every piece is proved gone', 'own', 'admin', 'notice'],
    'grant.rechecked': ['a leftover of it was found and removed', 'admin'],
    'grant.altered': ['somebody changed it in the target behind the broker’s back', 'admin'],
    'credential.opening': ['its grantee asked for the credential'],
    'credential.delivered': ['a credential was minted and handed over'],
    'credential.collected': ['the grantee unwrapped it'],
    'credential.ended': ['it was not collected in time, or is gone'],
    'credential.failed': ['none could be minted'],
  }),
  ...of('a run', {
    'run.ordered': ['an admin or a schedule had an action done'],
    'run.executed': ['it is done, and was read back', 'own'],
    'run.cancelled': ['it was cancelled before it was done', 'own'],
    'run.failed': ['it was not done, or not to its end', 'own', 'admin'],
    'run.undoing': ['it is being taken back', 'own'],
    'run.undone': ['it was taken back, and that was read back', 'own'],
    'run.refused': ['it could not be taken back, and stays done', 'own', 'admin'],
    'run.stuck': ['it cannot be taken back: a person must look', 'own', 'admin'],
  }),
  ...of('a rotation', {
    'rotation.created': ['a rotation was made'],
    'rotation.changed': ['it was changed, paused or resumed'],
    'rotation.removed': ['it was removed'],
    'rotation.stopped': ['its integration was removed: it is paused, and nothing is made any more', 'admin'],
    'rotation.asked': ['somebody had it run now'],
    'rotation.made': ['it was due, and its run was ordered'],
    'rotation.due': ['a person is to do it, and told so again at each moment until somebody did', 'admin'],
    'rotation.done': ['somebody did it by hand'],
    'rotation.missed': ['moments passed while nothing could be made; they are made up for once'],
    'rotation.refused': ['it was due, and nothing was made: it could not be, or not be taken back', 'admin'],
    'rotation.finished': ['its run is done, and its test has answered where it has one'],
    'rotation.failed': ['its run failed, or its test did; the data say whether it was taken back', 'admin'],
  }),
  ...of('an integration', {
    'integration.created': ['a target was connected'],
    'integration.changed': ['its configuration was changed'],
    'integration.tested': ['a configuration was tried'],
    'integration.bound': ['its secrets were bound to their destination'],
    'integration.owned': ['its owners were named'],
    'integration.paused': ['no new access is given'],
    'integration.access_ended': ['all its access was ended at once'],
    'integration.written_off': ['what was left on a system that is gone was written off', 'admin'],
    'integration.resumed': ['access is given again'],
    'integration.removed': ['it was removed'],
    'discovery.completed': ['all resources were read'],
    'discovery.incomplete': ['some resources could not be read'],
    'discovery.failed': ['resources could not be read'],
    'target.restored': ['an earlier state of the target was put back, and is being swept', 'admin'],
    'sweep.alarm': ['so many grants look altered that none was ended: somebody must look', 'admin'],
    'foreign.found': ['something the broker did not make stands where only its own should', 'admin'],
    'orphan.removed': ['something of ours that belongs to no grant was found and removed', 'admin'],
  }),
  ...of('a certificate', {
    'certificate.added': ['a certificate was given to be distributed'],
    'certificate.expiring': ['it ends soon: a newer one must be distributed', 'admin'],
    'certificate.expired': ['it has ended', 'admin'],
    'certificate.removed': ['it was removed, and its private key erased'],
  }),
  ...of('a target credential', {
    'target_credential.created': ['a login for targets of distribution was made'],
    'target_credential.changed': ['it was changed, and its targets with it'],
    'target_credential.removed': ['it was removed'],
  }),
  ...of('a distribution', {
    'distribution.ordered': ['a certificate is on its way to targets'],
    'distribution.resumed': ['it is sent once more to where it failed'],
    'distribution.cancelled': ['it goes to no further target'],
    'distribution.undoing': ['targets are being put back'],
    'distribution.finished': ['every target has it, or every one is as it was before'],
    'distribution.failed': ['it has ended, and not every target has it', 'admin'],
  }),
  ...of('a target', {
    'target.created': ['a place for certificates was made'],
    'target.changed': ['it was changed'],
    'target.removed': ['it was removed'],
  }),
  ...of('an access flow', {
    'flow.created': ['an access flow was made'],
    'flow.changed': ['it was changed, switched on or switched off'],
  }),
  ...of('a bundle', {
    'bundle.created': ['a bundle was made'],
    'bundle.removed': ['it was removed'],
  }),
  ...of('a proposal', {
    'proposal.made': ['a change waits for a second person', 'accept'],
    'proposal.accepted': ['a second person accepted it, and it is being made', 'proposer'],
    'proposal.performed': ['the change was made', 'proposer'],
    'proposal.failed': ['it was accepted and could not be made', 'proposer'],
    'proposal.declined': ['a second person declined it', 'proposer'],
    'proposal.withdrawn': ['it was taken back, or its proposer may not make it any more', 'proposer'],
    'proposal.lapsed': ['nobody decided in time', 'proposer'],
  }),
  ...of('a person', {
    'user.created': ['a person was made: by hand, by a first sign-in or by SCIM'],
    'user.changed': ['name, address, roles or state were changed'],
    'user.described': ['the provider said something new of them'],
    'user.removed': ['SCIM removed them'],
    'person.adopted': ['who had signed in before is SCIM’s from now on'],
    'person.merged': ['two records of one person became one'],
    'person.not_linked': ['two records may be one person, with what to do', 'admin'],
    'identity.linked': ['who signs in is somebody SCIM brought'],
    'identity.forgotten': ['a sign-in no longer leads to the person SCIM removed'],
    'identity.refused': ['the provider does not confirm them any more'],
    'group.names_refused': ['groups of a sign-in were left out, with their names'],
    'group.not_told': ['the provider did not say which groups they are in'],
  }),
  ...of('a group', {
    'group.created': ['a group was made'],
    'group.changed': ['SCIM changed its name or externalId'],
    'group.removed': ['it was removed'],
    'group.member_added': ['somebody came into it'],
    'group.member_removed': ['somebody left it'],
    'role_group.added': ['it gives a system role from now on'],
    'role_group.removed': ['it gives that role no more'],
  }),
  ...of('a token', {
    'token.created': ['an API token was made', 'holder'],
    'token.revoked': ['it was revoked, or who had it in hand, or the token it was made with, was ended', 'holder'],
  }),
  ...of('an enrolment code', {
    'enrolment.created': ['somebody may make their own token with it', 'holder'],
    'enrolment.redeemed': ['they did', 'holder'],
    'enrolment.withdrawn': ['it does not work any more'],
  }),
  ...of('a session', {
    'session.begun': ['somebody signed in'],
    'session.ended': ['they signed out, or their session was ended'],
  }),
  ...of('somebody', {
    'sign_in.refused': ['nobody was let in; the subject is the person where that was proved'],
    'call.refused': ['they may not do what they tried; with a count, so many more were refused'],
  }),
  ...of('a SCIM token', {
    'scim_token.created': ['a token for SCIM was made'],
    'scim_token.rotated': ['the next one was made'],
    'scim_token.revoked': ['it was revoked, or what it was made with, or was rotated into or from'],
    'scim_token.maker_left': [
      'somebody who has seen it was disabled or refused: it works on, and somebody must rotate it',
      'admin',
    ],
  }),
  ...of('a person or group', { 'scim.refused': ['SCIM asked for something that was not done, or not all of it'] }),
  ...of('a webhook', {
    'webhook.created': ['a receiver of events was made'],
    'webhook.changed': ['it was changed'],
    'webhook.paused': ['nobody is told through it any more: who made it has left, or their token was revoked', 'admin'],
    'webhook.bound': ['its secret was bound to its address'],
    'webhook.secret_rotated': ['it has a new secret'],
    'webhook.removed': ['it was removed'],
  }),
  ...of('a notification', { 'notification.retried': ['somebody had a notification sent once more'] }),
} as const satisfies Readonly<Record<string, Kind>>

export type AuditKind = keyof typeof KINDS

export function isAuditKind(kind: string): kind is AuditKind {
  return Object.hasOwn(KINDS, kind)
}
