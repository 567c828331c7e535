import { BROKEN_LINKS, event, HEAD, inAWeek, type MigrationStory, PROPOSALS, proposal, token, WEEK } from './migration-story.ts'

/** Of the migrations up to 0010. */
export const FIRST_STORIES: readonly MigrationStory[] = [
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
]
