/** What one migration does to rows that are there, on its way up and on its way down. */
export interface MigrationStory {
  /** the number of the migration */
  readonly of: number
  readonly title: string
  /** rows as the release before it wrote them */
  readonly before: string
  readonly up: Looks
  /** what is written before the way down, at the schema of the migration */
  readonly meanwhile?: string
  /** what that looks like, still there */
  readonly written?: Looks
  readonly down: Looks
}
/** What a statement answers. */
export type Looks = Readonly<Record<string, readonly unknown[]>>

/** A company that lends one secret: in the columns of the first release, which every later one has. */
export const COMPANY = `
insert into users (id, name) values ('usr_a', 'Ada'), ('usr_b', 'Bob'), ('usr_c', 'Cem');
insert into integrations (id, name, plugin, config) values ('int_1', 'one', 'vault', '{}');
insert into resources (id, integration_id, type, name, folder) values ('res_1', 'int_1', 'vault-kv-secret', 'kv/a', 'kv/');
insert into access_flows (id, name, integration_id) values ('flw_1', 'flow', 'int_1');
insert into access_flow_versions (flow_id, version, rule) values ('flw_1', 1, '{}');
insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, delivery, expires_at)
  values ('req_1', 'flw_1', 1, 'int_1', 'usr_a', 'approved', 60, 'token', now() + interval '1 hour'),
    ('req_2', 'flw_1', 1, 'int_1', 'usr_a', 'pending', 60, 'token', now() + interval '1 hour');
insert into access_request_resources (request_id, resource_id, permissions) values ('req_1', 'res_1', '{read}'), ('req_2', 'res_1', '{read}');
insert into approvals (id, request_id, approver_id, decision) values ('apr_1', 'req_1', 'usr_b', 'approve');
insert into action_runs (id, integration_id, action, input, state) values ('run_1', 'int_1', 'grant-access', '{}', 'executed');
insert into action_steps (run_id, position, kind, target, summary, args, state)
  values ('run_1', 0, 'user', 'u', 'makes u', '{}', 'executed'), ('run_1', 1, 'policy', 'p', 'makes p', '{}', 'executed');
insert into grants (id, request_id, integration_id, grantee_id, run_id, state, delivery, seconds, begins_at, expires_at)
  values ('grt_1', 'req_1', 'int_1', 'usr_a', 'run_1', 'active', 'token', 60, now(), now() + interval '1 minute');
insert into openings (id, grant_id, opened_by, delivery, state) values ('opn_1', 'grt_1', 'usr_a', 'token', 'delivered');
`

const proposal = (id: string, kind: string, more: Readonly<Record<string, string>> = {}) => {
  const row = { id: `'${id}'`, kind: `'${kind}'`, body: `'sealed'`, summary: `'{}'`, proposer_id: `'usr_a'`, ...more }
  return `insert into proposals (${Object.keys(row).join(', ')}) values (${Object.values(row).join(', ')});`
}
const inAWeek = { expires_at: `now() + interval '7 days'` }
const webhook = (id: string, by: string) =>
  `insert into webhooks (id, name, url, events, sealed, created_by) values ('${id}', '${id}', 'https://x', '{grant.active}', 's', ${by});`
const token = (id: string, of: string, makers: string, scopes = 'read') =>
  `insert into api_tokens (id, user_id, name, hash, scopes, created_by, makers, expires_at)
     values ('${id}', '${of}', 't', '${id}', '{${scopes}}', 'usr_b', '{${makers}}', now() + interval '1 day');`
const event = (number: number) =>
  `insert into audit_events (id, kind, actor, subject, body) values ('aud_${number}', 'a.b', 'c', 'd', '{}');`
const HEAD = 'select seq::int from audit_head'
const BROKEN_LINKS = `select c.seq from audit_chain c join audit_events e on e.id = c.event_id
    left join audit_chain p on p.seq = c.seq - 1
  where c.hash <> sha256(coalesce(p.hash, sha256('latchkey')) || convert_to(audit_linked(c.seq, e), 'UTF8'))`
const WEEK = { days: 7 }
const PROPOSALS = 'select id from proposals order by id'

export const STORIES: readonly MigrationStory[] = [
  {
    of: 2,
    title: 'counts who made a token among those who may have it',
    before: `insert into api_tokens (id, user_id, name, hash, scopes, created_by, expires_at)
        values ('tok_1', 'usr_a', 't', '1', '{read}', 'usr_b', now() + interval '1 day'), ('tok_2', 'usr_a', 't', '2', '{read}', null, now() + interval '1 day');
      insert into audit_events (id, kind, actor, subject, body) values ('aud_1', 'a.b', 'c', 'd', '{}');`,
    up: {
      'select id, makers from api_tokens order by id': [
        { id: 'tok_1', makers: ['usr_b'] },
        { id: 'tok_2', makers: [] },
      ],
      // Nobody is told of what happened before there was somebody to tell.
      'select seq::int from notification_cursor': [{ seq: 1 }],
      'select id, source from users order by id': ['a', 'b', 'c'].map((name) => ({ id: `usr_${name}`, source: 'local' })),
    },
    meanwhile: `insert into approvals (id, request_id, approver_id, decision, stage) values ('apr_2', 'req_1', 'usr_b', 'approve', 1);
      insert into users (id, name, source) values ('usr_d', 'ada', 'sign_in');
      insert into groups (id, name, source) values ('grp_1', 'ops', 'local'), ('grp_2', 'Ops', 'scim');`,
    down: {
      'select id from approvals order by id': [{ id: 'apr_1' }],
      'select id, name from users order by id': [
        { id: 'usr_a', name: 'Ada' },
        { id: 'usr_b', name: 'Bob' },
        { id: 'usr_c', name: 'Cem' },
        { id: 'usr_d', name: 'ada (usr_d)' },
      ],
      'select id, name from groups order by id': [
        { id: 'grp_1', name: 'ops' },
        { id: 'grp_2', name: 'Ops (grp_2)' },
      ],
    },
  },
  {
    of: 3,
    title: 'puts every act into the hands of the people who did it',
    before: `insert into identities (issuer, subject, user_id) values ('https://idp', 'b', 'usr_b');
      update access_requests set token_makers = '{usr_c,broker}' where id = 'req_2';
      insert into scim_tokens (id, name, hash, created_by, expires_at) values ('sct_1', 's', 'h', 'usr_a', now()), ('sct_2', 's', 'i', 'broker', now());
      insert into emergency_reviews (id, request_id, requester_id) values ('rev_1', 'req_1', 'usr_a');
      insert into emergency_reviews (id, request_id, requester_id, closed_at, closed_by) values ('rev_2', 'req_2', 'usr_a', now(), 'usr_b');
      ${token('tok_1', 'usr_a', 'usr_b,broker')}
      ${proposal('prp_1', 'flow.create')}`,
    up: {
      'select id, hands, token_makers as makers from access_requests order by id': [
        { id: 'req_1', hands: ['usr_a'], makers: [] },
        { id: 'req_2', hands: ['usr_a', 'usr_c'], makers: ['usr_c'] },
      ],
      'select hands from approvals': [{ hands: ['identity ["https://idp", "b"]', 'usr_b'] }],
      'select hands from openings': [{ hands: ['usr_a'] }],
      'select hands, closed_hands as closed from emergency_reviews order by id': [
        { hands: ['usr_a'], closed: null },
        { hands: ['usr_a'], closed: ['usr_b'] },
      ],
      'select makers from scim_tokens order by id': [{ makers: ['usr_a'] }, { makers: [] }],
      'select makers from api_tokens': [{ makers: ['usr_b'] }],
      'select hands from proposals': [{ hands: ['usr_a'] }],
    },
    meanwhile: proposal('prp_2', 'scim_token.create'),
    down: { [PROPOSALS]: [{ id: 'prp_1' }], 'select decision from approvals': [{ decision: 'approve' }] },
  },
  {
    of: 4,
    title: 'has a token that somebody else made act for nobody',
    before: token('tok_1', 'usr_a', 'usr_a') + token('tok_2', 'usr_a', 'usr_b') + token('tok_3', 'usr_a', 'usr_a,broker'),
    up: {
      'select id, delegated, makers from api_tokens order by id': [
        { id: 'tok_1', delegated: false, makers: ['usr_a'] },
        { id: 'tok_2', delegated: true, makers: ['usr_b'] },
        { id: 'tok_3', delegated: false, makers: ['usr_a'] },
      ],
    },
    down: { 'select count(*)::int as tokens from api_tokens': [{ tokens: 3 }] },
  },
  {
    of: 5,
    title: 'gives groups of a sign-in to the provider that most of their members come from',
    before: `insert into identities (issuer, subject, user_id) values ('https://one', 'a', 'usr_a'), ('https://one', 'b', 'usr_b'), ('https://two', 'c', 'usr_c');
      insert into groups (id, name, source) values ('grp_1', 'ops', 'sign_in'), ('grp_2', 'empty', 'sign_in'), ('grp_3', 'by hand', 'local');
      insert into group_members (group_id, user_id) values ('grp_1', 'usr_c');`,
    up: {
      'select id, issuer from groups order by id': [
        { id: 'grp_1', issuer: 'https://two' },
        { id: 'grp_2', issuer: 'https://one' },
        { id: 'grp_3', issuer: null },
      ],
      'select count(*)::int as told from identities where groups_said_at = confirmed_at': [{ told: 3 }],
    },
    meanwhile: `insert into groups (id, name, source, issuer) values ('grp_4', 'OPS', 'sign_in', 'https://one');
      insert into http_sessions (sid, sess, expire, id, user_id, issuer, sealed) values ('s', '{}', now(), 'ses_1', 'usr_a', 'https://one', 'sealed');
      delete from http_sessions;`,
    down: {
      'select id from groups order by id': [{ id: 'grp_1' }, { id: 'grp_2' }, { id: 'grp_3' }],
      'select kind from due_work': [],
    },
  },
  {
    of: 7,
    title: 'calls accepted proposals performed, and keeps no secret of one that is over',
    before: `${proposal('prp_1', 'flow.create')}
      ${proposal('prp_2', 'flow.create', { state: `'accepted'`, decided_by: `'usr_b'`, decided_at: `'2026-01-02'` })}
      ${proposal('prp_3', 'flow.create', { state: `'declined'`, decided_by: `'usr_b'`, decided_at: 'now()' })}`,
    up: {
      'select id, state, body, performed_at = decided_at as past, expires_at - created_at as open from proposals order by id': [
        { id: 'prp_1', state: 'open', body: 'sealed', past: null, open: WEEK },
        { id: 'prp_2', state: 'performed', body: null, past: true, open: WEEK },
        { id: 'prp_3', state: 'declined', body: null, past: null, open: WEEK },
      ],
    },
    meanwhile: `${proposal('prp_4', 'flow.create', { ...inAWeek, state: `'accepted'`, decided_by: `'usr_b'`, decided_at: 'now()' })}
      ${proposal('prp_5', 'flow.create', { ...inAWeek, state: `'failed'`, body: 'null', decided_by: `'usr_b'` })}
      ${proposal('prp_6', 'flow.create', { ...inAWeek, state: `'lapsed'`, body: 'null' })}`,
    down: {
      'select id, state, decided_by as by from proposals order by id': [
        { id: 'prp_1', state: 'open', by: null },
        { id: 'prp_2', state: 'accepted', by: 'usr_b' },
        { id: 'prp_3', state: 'declined', by: 'usr_b' },
        { id: 'prp_4', state: 'open', by: null },
        { id: 'prp_5', state: 'declined', by: 'usr_b' },
        { id: 'prp_6', state: 'withdrawn', by: null },
      ],
    },
  },
  {
    of: 9,
    title: 'keeps secrets for the daemon to bind, and leaves none behind that an older one cannot open',
    before: `insert into integration_secrets (integration_id, name, sealed) values ('int_1', 'secretId', 'old');`,
    up: { 'select sealed, destination from integration_secrets': [{ sealed: 'old', destination: '' }] },
    meanwhile: `insert into integration_secrets (integration_id, name, sealed, destination) values ('int_1', 'secretId', 'new', 'https://x');`,
    down: { 'select sealed from integration_secrets': [{ sealed: 'old' }] },
  },
  {
    of: 10,
    title: 'goes on with the audit chain where it was, in both directions',
    before: event(1),
    up: { [HEAD]: [{ seq: 1 }] },
    meanwhile: event(2),
    written: { [HEAD]: [{ seq: 2 }], [BROKEN_LINKS]: [] },
    down: { [HEAD]: [{ seq: 2 }], [BROKEN_LINKS]: [], 'select only_row as one from audit_head': [{ one: true }] },
  },
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
]
