import { z } from 'zod'
import { targetCalls } from '../../contract/calls.ts'
import { startedBy } from '../../contract/runs.ts'
import { flag, json, moment, number, of, problem, ref, text, texts } from './kind.ts'

const evidence = { evidence: z.array(json).readonly(), calls: targetCalls }
const named = { name: text }
const changed = { name: text, fields: texts }
const certificate = { name: text, fingerprint: text }
const targets = z.array(ref('tgt')).readonly()
const outcome = { state: text, targets: z.record(ref('tgt'), text) }
const back = { ...outcome, rolledBack: number, of: number, message: text.optional() }
const turn = { name: text, turn: ref('rtn') }
const made = { ...turn, run: ref('run').nullable() }

export const ACTION_KINDS = {
  ...of('a run', {
    'run.ordered': [
      'an admin or a schedule ordered an action',
      {
        integration: ref('int'),
        action: text,
        input: json,
        reason: text,
        risk: text,
        startedBy,
      },
    ],
    'run.executed': ['the action is done, and its result was read back', evidence, 'own'],
    'run.cancelled': [
      'it was cancelled before it was done',
      { message: text, code: text.optional(), fix: text.optional() },
      'own',
    ],
    'run.failed': ['it was not done, or not completely', problem, 'own', 'admin'],
    'run.undoing': ['it is being undone', { reason: text }, 'own'],
    'run.undone': ['it was undone, and that was read back', { reason: text.optional(), ...evidence }, 'own'],
    'run.refused': ['it could not be undone: what it did stays, or a part of it', problem, 'own', 'admin'],
    'run.stuck': ['it could not be undone yet: a person must look', problem, 'own', 'admin'],
  }),
  ...of('a rotation', {
    'rotation.created': ['a rotation was made', { name: text, does: json, schedule: json, active: flag }],
    'rotation.changed': ['it was changed, paused or resumed', { ...changed, active: flag }],
    'rotation.removed': ['it was removed', named],
    'rotation.stopped': ['it was paused, because its integration was removed', { name: text, message: text, fix: text }, 'admin'],
    'rotation.asked': ['an admin ran it now', { reason: text }],
    'rotation.made': ['it was due, and its run was ordered', { ...turn, run: ref('run'), dueAt: moment }],
    'rotation.due': [
      'a person must do it by hand; people are told again at each moment until somebody has',
      { ...turn, message: text, since: moment },
      'admin',
    ],
    'rotation.done': ['somebody did it by hand', { turn: ref('rtn'), note: text.optional() }],
    'rotation.missed': [
      'moments passed while no run could be made; one run makes up for them',
      { name: text, missed: number, since: moment },
    ],
    'rotation.refused': [
      'it was due and was not run, because it could not be done or could not have been undone',
      { ...turn, ...problem },
      'admin',
    ],
    'rotation.finished': ['its run is done; where it has a test, the webhook answered that the new value works', made],
    'rotation.failed': [
      'its run failed, or its test did; the data say whether it was undone',
      { ...made, isUndone: flag, code: text.optional(), message: text.optional(), fix: text.optional() },
      'admin',
    ],
  }),
  ...of('a certificate', {
    'certificate.added': [
      'a certificate was added',
      { ...certificate, subject: text, notAfter: moment, hasPrivateKey: flag, source: ref('cso').optional() },
    ],
    'certificate.expiring': [
      'it expires soon: a newer one must be distributed',
      { ...certificate, notAfter: moment, days: number },
      'admin',
    ],
    'certificate.expired': ['it has expired', { ...certificate, notAfter: moment }, 'admin'],
    'certificate.removed': ['it was removed, and its private key erased', certificate],
  }),
  ...of('a certificate source', {
    'certificate_source.created': [
      'certificates are pulled from a place, or issued, over and over',
      { name: text, kind: z.enum(['issued', 'stored']), integration: ref('int'), targets },
    ],
    'certificate_source.asked': ['an admin had it renewed at once', { name: text, reason: text }],
    'certificate_source.ordered': ['a certificate is being issued', { name: text, run: ref('run') }],
    'certificate_source.renewed': [
      'there is a new certificate; the data say which distribution takes it to its targets',
      {
        ...certificate,
        certificate: ref('crt'),
        replaces: ref('crt').nullable(),
        distribution: ref('dst').nullable(),
      },
    ],
    'certificate_source.failed': [
      'no new certificate came, or none was sent to its targets; it is tried again',
      { name: text, certificate: ref('crt').nullable(), notAfter: moment.nullable(), ...problem },
      'admin',
    ],
    'certificate_source.revoked': [
      'the run that had its certificate issued was rolled back; another one is being issued, and goes to its targets',
      { ...certificate, certificate: ref('crt'), run: ref('run'), ...problem },
      'admin',
    ],
    'certificate_source.removed': ['it was removed; its certificates stay', named],
  }),
  ...of('a target credential', {
    'target_credential.created': [
      'a login for targets of distribution was made',
      { name: text, plugin: text, destinations: z.array(json).readonly() },
    ],
    'target_credential.changed': [
      'it was changed, and its targets with it',
      { ...changed, destinations: z.array(json).readonly() },
    ],
    'target_credential.removed': ['it was removed', named],
  }),
  ...of('a distribution', {
    'distribution.ordered': [
      'a certificate is on its way to targets',
      { certificate: ref('crt'), ...certificate, targets, reason: text, batchSize: number, source: ref('cso').optional() },
    ],
    'distribution.resumed': ['it is sent again to the targets where it failed', { reason: text, targets }],
    'distribution.cancelled': ['it was cancelled: no further target is begun', { reason: text }],
    'distribution.undoing': ['what was at its targets before is being restored', { reason: text, targets }],
    'distribution.rolled_back': ['what was at its targets before is restored', back],
    'distribution.rollback_incomplete': [
      'what was at its targets before could not be restored at all of them: the data say at how many, and why',
      back,
      'admin',
    ],
    'distribution.finished': ['every target has the certificate', outcome],
    'distribution.failed': ['it is over, and some targets do not have the certificate', outcome, 'admin'],
  }),
  ...of('a target', {
    'target.created': [
      'a target for certificates was added',
      { name: text, credential: ref('crd'), connection: ref('int'), location: json, tested: flag },
    ],
    'target.changed': ['it was changed', { ...changed, location: json }],
    'target.removed': [
      'it was removed; `left` names runs that left something there',
      { ...named, left: z.array(ref('run')).readonly().optional() },
    ],
  }),
}
