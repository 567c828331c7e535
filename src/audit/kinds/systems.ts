import { z } from 'zod'
import { people } from '../../contract/people.ts'
import { flag, json, number, of, ref, text, texts } from './kind.ts'

const named = { name: text }
const read = {
  run: ref('syn'),
  folders: number,
  found: number,
  added: number,
  changed: number,
  gone: number,
  returned: number,
  unreadable: number,
  error: text.optional(),
}
const change = { kind: text, of: text.nullable() }
const ended = { ...change, reason: text.optional() }

/** Integrations, what waits for a second person, and who is told. */
export const SYSTEM_KINDS = {
  ...of('an integration', {
    'integration.created': ['a target was connected', { name: text, plugin: text, tested: flag }],
    'integration.changed': ['its configuration was changed', { name: text, fields: texts }],
    'integration.tested': ['a configuration was tried', { plugin: text, destination: json }],
    'integration.bound': ['its secrets were bound to their destination', { name: text, destination: json }],
    'integration.owned': [
      'its owners were named',
      { owners: people.nullable(), resourceOwner: z.strictObject({ tagKey: text, attribute: text }).nullable() },
    ],
    'integration.paused': ['no new access is given', named],
    'integration.access_ended': ['all its access was ended at once', { name: text, reason: text }],
    'integration.written_off': [
      'what was left on a system that is gone was written off',
      { name: text, reason: text, grants: z.array(ref('grt')).readonly() },
      'admin',
    ],
    'integration.resumed': ['access is given again', named],
    'integration.removed': [
      'it was removed; `left` names runs that left something there',
      { ...named, left: z.array(ref('run')).readonly().optional() },
    ],
    'integration.session_lost': [
      'the broker has not been able to keep its login at the target for a minute',
      { name: text, message: text },
      'admin',
      'notice',
    ],
    'integration.session_back': ['the broker is logged in at the target again', named, 'admin', 'notice'],
    'discovery.completed': ['all resources were read', read],
    'discovery.incomplete': ['some resources could not be read', read],
    'discovery.failed': ['resources could not be read', read],
    'target.restored': ['an earlier state of the target was put back, and is being swept', {}, 'admin'],
    'sweep.alarm': [
      'so many grants look altered that none was ended: an admin must look',
      { count: number, note: text, grants: z.array(ref('grt')).readonly() },
      'admin',
    ],
    'foreign.found': [
      'something was found under the broker’s own names that the broker did not make',
      { count: number, note: text, artefacts: texts },
      'admin',
    ],
    'orphan.removed': [
      'something that the broker had made and that belongs to no grant was found and removed',
      { artefact: text, run: text.optional() },
      'admin',
    ],
  }),
  ...of('a proposal', {
    'proposal.made': ['a change waits for a second person', { ...change, change: json }, 'accept'],
    'proposal.accepted': ['a second person accepted it, and it is being made', ended, 'proposer'],
    'proposal.performed': ['the change was made', ended, 'proposer'],
    'proposal.failed': ['it was accepted but could not be made', ended, 'proposer'],
    'proposal.declined': ['a second person declined it', ended, 'proposer'],
    'proposal.withdrawn': ['the proposer withdrew it, or may not make it any more', ended, 'proposer'],
    'proposal.lapsed': ['nobody decided in time', ended, 'proposer'],
  }),
  ...of('a webhook', {
    'webhook.created': ['a receiver of events was made', { name: text, host: text, events: texts, active: flag }],
    'webhook.changed': [
      'it was changed',
      { name: text.optional(), host: text.optional(), events: texts.optional(), active: flag.optional() },
    ],
    'webhook.paused': [
      'it was paused: the person who answers for it has left, or their token was revoked',
      { name: text, reason: text, fix: text },
      'admin',
    ],
    'webhook.bound': ['its secret was bound to its address', { host: text.optional() }],
    'webhook.secret_rotated': ['it has a new secret', { overlapSeconds: number }],
    'webhook.removed': ['it was removed', named],
  }),
  ...of('a notification', { 'notification.retried': ['an admin had a notification sent again', {}] }),
}
