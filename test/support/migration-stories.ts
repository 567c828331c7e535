import { FIRST_STORIES } from './first-migration-stories.ts'
import { inAWeek, type MigrationStory, PROPOSALS, proposal, token, webhook } from './migration-story.ts'

const CERTIFICATES = 'select id, sealed from certificates where removed_at is null order by id'
const certificate = (
  id: string,
) => `insert into certificates (id, name, subject, issuer, domains, serial, fingerprint, key_type, certificate_pem,
    chain_pem, chain, sealed, not_before, not_after, created_by)
  values ('${id}', 'c', 's', 'i', '[]', '1', 'f1', 'k', 'p', '', '[]', 's', now(), now() + interval '1 d', 'usr_a');`

export const STORIES: readonly MigrationStory[] = [
  ...FIRST_STORIES,
  {
    of: 13,
    title: 'has an older daemon try again what was written off',
    before: '',
    up: { 'select state from grants': [{ state: 'active' }] },
    meanwhile: `update action_runs set state = 'failed', settled_at = now();
      update grants set state = 'written_off', ended_at = now(), receipt = '{}';
      ${proposal('prp_1', 'integration.write_off', inAWeek)}`,
    down: {
      'select state, ended_at as ended, receipt from grants': [{ state: 'stuck', ended: null, receipt: null }],
      'select state, settled_at as settled from action_runs': [{ state: 'stuck', settled: null }],
      [PROPOSALS]: [],
    },
  },
  {
    of: 14,
    title: 'reads nothing into runs and steps of before',
    before: '',
    up: {
      'select started_by, parent_run, idempotency_key from action_runs': [
        { started_by: null, parent_run: null, idempotency_key: null },
      ],
      'select position, confers_power from action_steps order by position': [
        { position: 0, confers_power: null },
        { position: 1, confers_power: null },
      ],
    },
    meanwhile: `insert into action_runs (id, integration_id, action, input, parent_run) values ('run_2', 'int_1', 'x', '{}', 'run_1');
      insert into action_locks (integration_id, resource, run_id) values ('int_1', 'kv/a', 'run_2');`,
    down: {
      'select id, state from action_runs order by id': [
        { id: 'run_1', state: 'executed' },
        { id: 'run_2', state: 'pending' },
      ],
      'select state from action_steps': [{ state: 'executed' }, { state: 'executed' }],
    },
  },
  {
    of: 15,
    title: 'gives a code the scopes of the token it was made with',
    before: `${token('tok_1', 'usr_a', 'usr_a', 'read,manage')}
      insert into enrolment_codes (id, user_id, hash, created_by, makers, token_id, expires_at)
        values ('enr_1', 'usr_a', '1', 'usr_a', '{}', 'tok_1', now()), ('enr_2', 'usr_b', '2', 'usr_a', '{}', null, now());
      insert into scim_tokens (id, name, hash, makers, expires_at) values ('sct_1', 's', 'h', '{usr_a}', now());`,
    up: {
      'select id, scopes from enrolment_codes order by id': [
        { id: 'enr_1', scopes: ['read', 'manage'] },
        { id: 'enr_2', scopes: ['read', 'request', 'approve', 'manage', 'audit'] },
      ],
      'select told_to as told from scim_tokens': [{ told: ['usr_a'] }],
    },
    down: { 'select id from enrolment_codes order by id': [{ id: 'enr_1' }, { id: 'enr_2' }] },
  },
  {
    of: 16,
    title: 'leaves an older daemon no proposal of a kind it does not know',
    before: proposal('prp_1', 'flow.create', inAWeek),
    up: { [PROPOSALS]: [{ id: 'prp_1' }], 'select before from action_steps': [{ before: null }, { before: null }] },
    meanwhile: `${proposal('prp_2', 'run.order', inAWeek)} ${proposal('prp_3', 'run.roll_back', inAWeek)}
      insert into action_runs (id, integration_id, action, input) values ('run_2', 'int_1', 'rotate', '{}');
      insert into ordered_runs (id, integration_id, action, reason, risk) values ('run_2', 'int_1', 'rotate', 'r', '{}');`,
    down: { [PROPOSALS]: [{ id: 'prp_1' }], 'select id from action_runs order by id': [{ id: 'run_1' }, { id: 'run_2' }] },
  },
  {
    of: 17,
    title: 'tells requests for access from those for an extension, also what an older daemon writes',
    before: `update access_requests set extends_grant_id = 'grt_1' where id = 'req_2';`,
    up: {
      'select id, kind from access_requests order by id': [
        { id: 'req_1', kind: 'access' },
        { id: 'req_2', kind: 'extension' },
      ],
    },
    meanwhile: `insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, delivery, expires_at)
      values ('req_3', 'flw_1', 1, 'int_1', 'usr_a', 'pending', 60, 'token', now());`,
    written: { [`select kind from access_requests where id = 'req_3'`]: [{ kind: 'access' }] },
    down: { 'select id from access_requests order by id': [{ id: 'req_1' }, { id: 'req_2' }, { id: 'req_3' }] },
  },
  {
    of: 18,
    title: 'keeps who made a webhook, and counts who is disabled as gone from now on',
    before: `${webhook('whk_1', `'usr_a'`)} ${webhook('whk_2', 'null')} update users set state = 'disabled' where id = 'usr_c';`,
    up: {
      'select id, makers, active from webhooks order by id': [
        { id: 'whk_1', makers: ['usr_a'], active: true },
        { id: 'whk_2', makers: [], active: true },
      ],
      'select id, left_at is null as here from users order by id': [
        { id: 'usr_a', here: true },
        { id: 'usr_b', here: true },
        { id: 'usr_c', here: false },
      ],
      'select void_at as void from approvals': [{ void: null }],
    },
    meanwhile: `update approvals set void_at = now();
      insert into approvals (id, request_id, approver_id, decision) values ('apr_2', 'req_1', 'usr_b', 'approve');
      update grants set end_reason = 'token_maker_disabled';`,
    down: {
      'select id from approvals': [{ id: 'apr_2' }],
      'select end_reason as reason from grants': [{ reason: 'grantee_disabled' }],
      'select id from webhooks order by id': [{ id: 'whk_1' }, { id: 'whk_2' }],
    },
  },
  {
    of: 19,
    title: 'keeps access apart from what leads to targets of certificates, and leaves an older daemon none of that',
    before: proposal('prp_1', 'flow.create', inAWeek),
    up: {
      'select id, name, serves, state from integrations': [{ id: 'int_1', name: 'one', serves: 'access', state: 'active' }],
      [PROPOSALS]: [{ id: 'prp_1' }],
    },
    meanwhile: `${proposal('prp_2', 'distribution.roll_back', inAWeek)}
      insert into integrations (id, name, plugin, config, sealed, serves) values ('int_2', 'one', 'vault', '{}', 'sealed', 'distribution');
      insert into due_work (lane, kind, subject, run_at) values ('run', 'distribution.advance', 'dst_1', now()), ('cut', 'grant.end', 'grt_1', now());
      insert into action_runs (id, integration_id, action, input, state) values ('run_2', 'int_2', 'distribute-certificate', '{}', 'executed');`,
    down: {
      'select id, state, sealed from integrations order by id': [
        { id: 'int_1', state: 'active', sealed: null },
        { id: 'int_2', state: 'removed', sealed: null },
      ],
      [PROPOSALS]: [{ id: 'prp_1' }],
      'select kind from due_work': [{ kind: 'grant.end' }],
      'select id from action_runs order by id': [{ id: 'run_1' }, { id: 'run_2' }],
    },
  },
  {
    of: 20,
    title: 'leaves an older daemon neither work nor proposals of rotations',
    before: proposal('prp_1', 'flow.create', inAWeek),
    up: { [PROPOSALS]: [{ id: 'prp_1' }] },
    meanwhile: `${proposal('prp_2', 'rotation.create', inAWeek)}
      insert into rotations (id, name, does, schedule, active) values ('rot_1', 'r', '{"kind": "remind"}', '{}', false);
      insert into rotation_turns (id, rotation_id, due_at, state, run_id) values ('trn_1', 'rot_1', now(), 'running', 'run_1');
      insert into due_work (lane, kind, subject, run_at) values ('background', 'rotation.due', 'rot_1', now()), ('cut', 'grant.end', 'grt_1', now());`,
    down: {
      [PROPOSALS]: [{ id: 'prp_1' }],
      'select kind from due_work': [{ kind: 'grant.end' }],
      'select id from action_runs': [{ id: 'run_1' }],
    },
  },
  {
    of: 21,
    title: 'leaves an older daemon no request for an action to decide, and no link to one that is gone',
    before: '',
    up: {
      'select id, kind, action from access_requests order by id': ['req_1', 'req_2'].map((id) => ({
        id,
        kind: 'access',
        action: null,
      })),
    },
    meanwhile: `insert into access_requests (id, kind, action, flow_id, flow_version, integration_id, requester_id, state, seconds, delivery, expires_at)
        select id, 'action', '{}', 'flw_1', 1, 'int_1', 'usr_a', state, 60, 'token', now() from (values ('req_3', 'pending'), ('req_4', 'approved')) as r (id, state);
      insert into ordered_runs (id, integration_id, action, reason, risk, request_id) values ('run_1', 'int_1', 'rotate', 'r', '{}', 'req_4');`,
    down: {
      'select id, state, kind from access_requests order by id': [
        { id: 'req_1', state: 'approved', kind: 'access' },
        { id: 'req_2', state: 'pending', kind: 'access' },
        { id: 'req_3', state: 'cancelled', kind: 'access' },
        { id: 'req_4', state: 'approved', kind: 'access' },
      ],
      'select request_id as request from ordered_runs': [{ request: 'req_4' }],
    },
  },
  {
    of: 25,
    title: 'tells of no end of a distribution a second time',
    before: `insert into certificates (id, name, subject, issuer, domains, serial, fingerprint, key_type, certificate_pem, chain_pem, chain, not_before, not_after, created_by)
        values ('crt_1', 'c', 's', 'i', '[]', '1', 'f', 'ec', 'p', '', '[]', now(), now() + interval '1 day', 'usr_a');
      insert into distributions (id, certificate_id, reason, batch_size, undo_if_unverified, ordered_by, sent_by, attempts, finished_at)
        values ('dst_1', 'crt_1', 'r', 1, true, 'usr_a', 'usr_a', 2, now()), ('dst_2', 'crt_1', 'r', 1, true, 'usr_a', 'usr_a', 1, null);`,
    up: {
      'select id, told_attempts as told from distributions order by id': [
        { id: 'dst_1', told: 2 },
        { id: 'dst_2', told: 0 },
      ],
    },
    meanwhile: '',
    down: {
      'select id, attempts from distributions order by id': [
        { id: 'dst_1', attempts: 2 },
        { id: 'dst_2', attempts: 1 },
      ],
    },
  },
  {
    of: 26,
    title: 'leaves an older daemon neither work nor proposals of certificate sources, and the certificates',
    before: `${proposal('prp_1', 'flow.create', inAWeek)}
      insert into certificates (id, name, subject, issuer, domains, serial, fingerprint, key_type, certificate_pem, chain_pem, chain, not_before, not_after, created_by)
        values ('crt_1', 'c', 's', 'i', '[]', '1', 'f1', 'k', 'p', '', '[]', now(), now() + interval '1 d', 'usr_a');`,
    up: {
      [PROPOSALS]: [{ id: 'prp_1' }],
      'select id, source_id as source, replaced_by as next from certificates': [{ id: 'crt_1', source: null, next: null }],
    },
    meanwhile: `${proposal('prp_2', 'certificate_source.create', inAWeek)}
      insert into certificate_sources (id, name, origin, integration_id, next_at, created_by) values ('cso_1', 's', '{}', 'int_1', now(), 'usr_a');
      insert into due_work (lane, kind, subject, run_at) values ('background', 'certificate.renew', 'cso_1', now()), ('cut', 'grant.end', 'grt_1', now());
      update certificates set source_id = 'cso_1';`,
    down: {
      [PROPOSALS]: [{ id: 'prp_1' }],
      'select kind from due_work': [{ kind: 'grant.end' }],
      'select id from certificates': [{ id: 'crt_1' }],
    },
  },
  {
    of: 28,
    title: 'leaves an older daemon one certificate of a kind, the one that replaced the other',
    before: certificate('crt_1'),
    up: { [CERTIFICATES]: [{ id: 'crt_1', sealed: 's' }] },
    meanwhile: `update certificates set replaced_by = 'crt_2'; ${certificate('crt_2')}`,
    written: {
      [CERTIFICATES]: [
        { id: 'crt_1', sealed: 's' },
        { id: 'crt_2', sealed: 's' },
      ],
    },
    down: { [CERTIFICATES]: [{ id: 'crt_2', sealed: 's' }] },
  },
  {
    of: 31,
    title: 'keeps with runs why they failed, and takes for that nothing that befell an undo which a person wanted',
    before: [
      ['run_2', 'failed', `'{"code":"c","message":"why"}'`, 'null'],
      ['run_3', 'undoing', `'{"code":"c","message":"why"}'`, `'{"by":null,"reason":"why"}'`],
      ['run_4', 'undoing', `'{"code":"c","message":"no answer"}'`, `'{"by":"usr_a","reason":"r"}'`],
      ['run_5', 'executed', `'{"code":"c","message":"refused"}'`, `'{"by":"usr_a","reason":"r"}'`],
      ['run_6', 'undone', 'null', `'{"by":null,"reason":"why"}'`],
    ]
      .map(
        ([id, state, problem, undo]) => `
      insert into action_runs (id, integration_id, action, input, state) values ('${id}', 'int_1', 'rotate', '{}', '${state}');
      insert into ordered_runs (id, integration_id, action, reason, risk, problem, undo) values ('${id}', 'int_1', 'rotate', 'r', '{}', ${problem}, ${undo});`,
      )
      .join(''),
    up: {
      [`select id, failure->>'message' as failure from ordered_runs order by id`]: [
        { id: 'run_2', failure: 'why' },
        { id: 'run_3', failure: 'why' },
        { id: 'run_4', failure: null },
        { id: 'run_5', failure: null },
        { id: 'run_6', failure: null },
      ],
    },
    meanwhile: '',
    down: { 'select count(*)::int as runs from ordered_runs where problem is not null': [{ runs: 4 }] },
  },
]
