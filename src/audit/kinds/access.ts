import { z } from 'zod'
import { decision } from '../../contract/approvals.ts'
import { targetCalls } from '../../contract/calls.ts'
import { guarantee } from '../../contract/deliveries.ts'
import { revocationReceipt } from '../../contract/grants.ts'
import { flag, json, moment, number, of, problem, ref, text, texts } from './kind.ts'

const stage = { stage: number }
const opening = { opening: ref('opn') }
const calls = { calls: targetCalls.optional() }
const over = {
  ...calls,
  reason: text,
  receipt: revocationReceipt,
  code: text.optional(),
  message: text.optional(),
  fix: text.optional(),
}
const people = z.array(ref('usr')).readonly()

export const ACCESS_KINDS = {
  ...of('a request', {
    'request.submitted': [
      'a person asked for access',
      {
        flow: ref('flw'),
        version: number,
        seconds: number,
        justification: text,
        extends: ref('grt').optional(),
        action: z.strictObject({ name: text, input: json, risk: text }).optional(),
        notify: people.optional(),
        resources: z.array(z.strictObject({ name: text, permissions: texts })).readonly(),
      },
      'own',
      'decide',
      'notice',
    ],
    'request.stage': ['its next stage of approval began', stage, 'own', 'decide', 'notice'],
    'request.reminded': ['approvers were reminded', stage, 'decide'],
    'request.escalated': ['nobody decided in time, so more people may decide now', stage, 'own', 'decide', 'notice'],
    'request.undecidable': ['too few people are left who could approve it', stage, 'own', 'admin', 'notice'],
    'request.decidable': ['enough people can approve it again', stage, 'own', 'decide', 'notice'],
    'request.emergency': [
      'access was taken without approval',
      { reason: text, alert: people },
      'own',
      'review',
      'alert',
      'notice',
    ],
    'request.approved': [
      'it was approved, by people or by its flow',
      { seconds: number, automatic: flag.optional(), reason: text.optional() },
      'own',
      'notice',
    ],
    'request.rejected': ['an approver rejected it', { reason: text.optional() }, 'own', 'notice'],
    'request.cancelled': [
      'the requester cancelled it, or the broker ended it because nothing was left to wait for',
      { reason: text.optional(), requesterId: ref('usr').optional(), stage: number.optional() },
      'own',
      'decide',
      'notice',
    ],
    'request.expired': ['nobody decided in time', {}, 'own', 'notice'],
    'approval.noted': ['an approver decided, either way', { ...stage, decision, reason: text, seconds: number.optional() }],
    'approval.void': [
      'an approval no longer counts: the person who gave it, or may have given it, was disabled or may not decide any more',
      { ...stage, approval: ref('apr'), approver: ref('usr') },
    ],
    'review.closed': ['somebody else reviewed an emergency', { review: ref('rev'), note: text }, 'own', 'review'],
  }),
  ...of('a grant', {
    'grant.provisioning': ['the access is being set up', { run: ref('run') }, 'own', 'notice'],
    'grant.active': ['the access is ready', { expiresAt: moment, guarantee, delivery: text, ...calls }, 'own', 'notice'],
    'grant.extended': ['its end was moved', { request: ref('req'), seconds: number, expiresAt: moment }, 'own', 'notice'],
    'grant.prolonged': ['the target itself holds the new end', { expiresAt: moment, ...calls }],
    'grant.revoking': [
      'the broker began to end it',
      { reason: text, note: text.optional(), code: text.optional(), fix: text.optional() },
      'own',
      'notice',
    ],
    'grant.stuck': ['it could not be ended yet: a person must look', problem, 'own', 'admin', 'notice'],
    'grant.expired': ['it ended at its time, every piece proved gone', over, 'own', 'notice'],
    'grant.revoked': ['it ended before its time, every piece proved gone', over, 'own', 'notice'],
    'grant.failed': ['it could not be set up, and every piece is proved gone', over, 'own', 'notice'],
    'grant.plan_changed': ['it was not given, because it would differ from what was approved', problem, 'admin'],
    'grant.written_off': [
      'an admin wrote it off: its system is gone, and nothing is proved',
      { reason: text, because: text, receipt: revocationReceipt },
      'own',
      'notice',
    ],
    'grant.came_back': [
      'its system is back after it was written off, and every piece is proved gone',
      { removed: texts, cameBack: z.strictObject({ target: z.record(text, text), evidence: z.array(json).readonly() }) },
      'own',
      'admin',
      'notice',
    ],
    'grant.rechecked': ['a leftover of it was found and removed', { removed: texts }, 'admin'],
    'grant.altered': [
      'somebody other than the broker changed it in the target',
      { note: text, pieces: z.array(z.strictObject({ artefact: text, observed: text })).readonly() },
      'admin',
    ],
    'credential.opening': ['its grantee asked for the credential', { ...opening, delivery: text }],
    'credential.delivered': ['a credential was minted and handed over', { ...opening, endsAt: moment, trace: json, ...calls }],
    'credential.collected': ['it was collected', opening],
    'credential.ended': ['it was not collected in time, or is gone', opening],
    'credential.failed': ['none could be minted', { ...opening, ...calls }],
  }),
  ...of('an access flow', {
    'flow.created': ['an access flow was made', { name: text, version: number }],
    'flow.changed': [
      'it was changed, switched on or switched off',
      { version: number, name: text.optional(), active: flag.optional(), rule: flag },
    ],
  }),
  ...of('a bundle', {
    'bundle.created': ['a bundle was made', { name: text }],
    'bundle.removed': ['it was removed', { name: text }],
  }),
}
