/** Why somebody is told by e-mail. In this order: who has several reasons is told once, for the first. */
export const PARTS = ['decide', 'accept', 'own', 'review', 'alert', 'holder', 'self', 'proposer', 'admin', 'notice'] as const
export type Part = (typeof PARTS)[number]

/** What an event's subject is the id of. */
export type Subject =
  | 'a bundle'
  | 'a notification'
  | 'a certificate'
  | 'a certificate source'
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
    'request.submitted': ['a person asked for access', 'own', 'decide', 'notice'],
    'request.stage': ['its next stage of approval began', 'own', 'decide', 'notice'],
    'request.reminded': ['approvers were reminded', 'decide'],
    'request.escalated': ['nobody decided in time, so more people may decide now', 'own', 'decide', 'notice'],
    'request.undecidable': ['too few people are left who could approve it', 'own', 'admin', 'notice'],
    'request.decidable': ['enough people can approve it again', 'own', 'decide', 'notice'],
    'request.emergency': ['access was taken without approval', 'own', 'review', 'alert', 'notice'],
    'request.approved': ['it was approved, by people or by its flow', 'own', 'notice'],
    'request.rejected': ['an approver rejected it', 'own', 'notice'],
    'request.cancelled': [
      'the requester cancelled it, or the broker ended it because nothing was left to wait for',
      'own',
      'decide',
      'notice',
    ],
    'request.expired': ['nobody decided in time', 'own', 'notice'],
    'approval.noted': ['an approver decided, either way'],
    'approval.void': [
      'an approval no longer counts: the person who gave it, or may have given it, was disabled or may not decide any more',
    ],
    'review.closed': ['somebody else reviewed an emergency', 'own', 'review'],
  }),
  ...of('a grant', {
    'grant.provisioning': ['the access is being set up', 'own', 'notice'],
    'grant.active': ['the access is ready', 'own', 'notice'],
    'grant.extended': ['its end was moved', 'own', 'notice'],
    'grant.revoking': ['the broker began to end it', 'own', 'notice'],
    'grant.stuck': ['it could not be ended yet: a person must look', 'own', 'admin', 'notice'],
    'grant.expired': ['it ended at its time, every piece proved gone', 'own', 'notice'],
    'grant.revoked': ['it ended before its time, every piece proved gone', 'own', 'notice'],
    'grant.failed': ['it could not be set up, and every piece is proved gone', 'own', 'notice'],
    'grant.plan_changed': ['it was not given, because it would differ from what was approved', 'admin'],
    'grant.written_off': ['an admin wrote it off: its system is gone, and nothing is proved', 'own', 'notice'],
    'grant.came_back': ['its system is back after it was written off, and every piece is proved gone', 'own', 'admin', 'notice'],
    'grant.rechecked': ['a leftover of it was found and removed', 'admin'],
    'grant.altered': ['somebody other than the broker changed it in the target', 'admin'],
    'credential.opening': ['its grantee asked for the credential'],
    'credential.delivered': ['a credential was minted and handed over'],
    'credential.collected': ['the grantee unwrapped it'],
    'credential.ended': ['it was not collected in time, or is gone'],
    'credential.failed': ['none could be minted'],
  }),
  ...of('a run', {
    'run.ordered': ['an admin or a schedule ordered an action'],
    'run.executed': ['the action is done, and its result was read back', 'own'],
    'run.cancelled': ['it was cancelled before it was done', 'own'],
    'run.failed': ['it was not done, or not completely', 'own', 'admin'],
    'run.undoing': ['it is being undone', 'own'],
    'run.undone': ['it was undone, and that was read back', 'own'],
    'run.refused': ['it could not be undone and stays done', 'own', 'admin'],
    'run.stuck': ['it could not be undone yet: a person must look', 'own', 'admin'],
  }),
  ...of('a rotation', {
    'rotation.created': ['a rotation was made'],
    'rotation.changed': ['it was changed, paused or resumed'],
    'rotation.removed': ['it was removed'],
    'rotation.stopped': ['it was paused, because its integration was removed', 'admin'],
    'rotation.asked': ['an admin ran it now'],
    'rotation.made': ['it was due, and its run was ordered'],
    'rotation.due': ['a person must do it by hand; people are told again at each moment until somebody has', 'admin'],
    'rotation.done': ['somebody did it by hand'],
    'rotation.missed': ['moments passed while no run could be made; one run makes up for them'],
    'rotation.refused': ['it was due and was not run, because it could not be done or could not have been undone', 'admin'],
    'rotation.finished': ['its run is done; where it has a test, the webhook answered that the new value works'],
    'rotation.failed': ['its run failed, or its test did; the data say whether it was undone', 'admin'],
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
    'sweep.alarm': ['so many grants look altered that none was ended: an admin must look', 'admin'],
    'foreign.found': ['something was found under the broker’s own names that the broker did not make', 'admin'],
    'orphan.removed': ['something that the broker had made and that belongs to no grant was found and removed', 'admin'],
  }),
  ...of('a certificate', {
    'certificate.added': ['a certificate was added'],
    'certificate.expiring': ['it expires soon: a newer one must be distributed', 'admin'],
    'certificate.expired': ['it has expired', 'admin'],
    'certificate.removed': ['it was removed, and its private key erased'],
  }),
  ...of('a certificate source', {
    'certificate_source.created': ['certificates are pulled from a place, or issued, over and over'],
    'certificate_source.asked': ['an admin had it renewed at once'],
    'certificate_source.ordered': ['a certificate is being issued'],
    'certificate_source.renewed': ['there is a new certificate; the data say which distribution takes it to its targets'],
    'certificate_source.failed': ['no new certificate came, or none was sent to its targets; it is tried again', 'admin'],
    'certificate_source.removed': ['it was removed; its certificates stay'],
  }),
  ...of('a target credential', {
    'target_credential.created': ['a login for targets of distribution was made'],
    'target_credential.changed': ['it was changed, and its targets with it'],
    'target_credential.removed': ['it was removed'],
  }),
  ...of('a distribution', {
    'distribution.ordered': ['a certificate is on its way to targets'],
    'distribution.resumed': ['it is sent again to the targets where it failed'],
    'distribution.cancelled': ['it was cancelled: no further target is begun'],
    'distribution.undoing': ['what was at its targets before is being restored'],
    'distribution.rolled_back': ['what was at its targets before is restored'],
    'distribution.rollback_incomplete': [
      'what was at its targets before could not be restored at all of them: the data say at how many, and why',
      'admin',
    ],
    'distribution.finished': ['every target has the certificate'],
    'distribution.failed': ['it is over, and some targets do not have the certificate', 'admin'],
  }),
  ...of('a target', {
    'target.created': ['a target for certificates was added'],
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
    'proposal.failed': ['it was accepted but could not be made', 'proposer'],
    'proposal.declined': ['a second person declined it', 'proposer'],
    'proposal.withdrawn': ['the proposer withdrew it, or may not make it any more', 'proposer'],
    'proposal.lapsed': ['nobody decided in time', 'proposer'],
  }),
  ...of('a person', {
    'user.created': ['a person was made: by hand, by a first sign-in or by SCIM'],
    'user.changed': ['name, address, roles or state were changed'],
    'user.described': ['the provider said something new of them'],
    'user.removed': ['SCIM removed them'],
    'person.roles_lost': ['they lost system roles, by whatever road; the data say which', 'self'],
    'person.adopted': ['a person who had signed in before belongs to SCIM from now on'],
    'person.merged': ['two records of one person became one'],
    'person.not_linked': ['two records may be one person, with what to do', 'admin'],
    'identity.linked': ['a sign-in was linked to a person that SCIM brought'],
    'identity.forgotten': ['a sign-in no longer leads to the person SCIM removed'],
    'identity.refused': ['the identity provider no longer confirms them'],
    'group.names_refused': ['groups of a sign-in were left out, with their names'],
    'group.not_told': ['the provider did not say which groups they are in'],
  }),
  ...of('a group', {
    'group.created': ['a group was made'],
    'group.changed': ['SCIM changed its name or externalId'],
    'group.removed': ['it was removed'],
    'group.member_added': ['a person was added to it'],
    'group.member_removed': ['a person was removed from it'],
    'role_group.added': ['its members have a system role from now on'],
    'role_group.removed': ['its members no longer have that role'],
  }),
  ...of('a token', {
    'token.created': ['an API token was made', 'holder'],
    'token.revoked': [
      'it was revoked; or it ended with the token it was made with, or because a person who may have a copy left',
      'holder',
    ],
  }),
  ...of('an enrolment code', {
    'enrolment.created': ['a code was made; its person gets a token of their own with it', 'holder'],
    'enrolment.redeemed': ['they did', 'holder'],
    'enrolment.withdrawn': ['it no longer works'],
  }),
  ...of('a session', {
    'session.begun': ['somebody signed in'],
    'session.ended': ['they signed out, or their session was ended'],
  }),
  ...of('somebody', {
    'sign_in.refused': ['a sign-in, token or code was refused; the subject is the person, where that was proved'],
    'call.refused': ['a person tried what they may not do; with a count: so many more calls were refused'],
  }),
  ...of('a SCIM token', {
    'scim_token.created': ['a token for SCIM was made'],
    'scim_token.rotated': ['the next one was made'],
    'scim_token.revoked': ['it was revoked, or ended with the token it was made with or one it was rotated into or from'],
    'scim_token.maker_left': [
      'a person who has seen it was disabled or refused; it still works, so an admin must rotate it',
      'admin',
    ],
  }),
  ...of('a person or group', { 'scim.refused': ['SCIM asked for something that was not done, or not all of it'] }),
  ...of('a webhook', {
    'webhook.created': ['a receiver of events was made'],
    'webhook.changed': ['it was changed'],
    'webhook.paused': ['it was paused: the person who answers for it has left, or their token was revoked', 'admin'],
    'webhook.bound': ['its secret was bound to its address'],
    'webhook.secret_rotated': ['it has a new secret'],
    'webhook.removed': ['it was removed'],
  }),
  ...of('a notification', { 'notification.retried': ['an admin had a notification sent again'] }),
} as const satisfies Readonly<Record<string, Kind>>

export type AuditKind = keyof typeof KINDS

export function isAuditKind(kind: string): kind is AuditKind {
  return Object.hasOwn(KINDS, kind)
}
