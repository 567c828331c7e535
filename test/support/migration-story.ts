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

export const proposal = (id: string, kind: string, more: Readonly<Record<string, string>> = {}) => {
  const row = { id: `'${id}'`, kind: `'${kind}'`, body: `'sealed'`, summary: `'{}'`, proposer_id: `'usr_a'`, ...more }
  return `insert into proposals (${Object.keys(row).join(', ')}) values (${Object.values(row).join(', ')});`
}
export const inAWeek = { expires_at: `now() + interval '7 days'` }
export const webhook = (id: string, by: string) =>
  `insert into webhooks (id, name, url, events, sealed, created_by) values ('${id}', '${id}', 'https://x', '{grant.active}', 's', ${by});`
export const token = (id: string, of: string, makers: string, scopes = 'read') =>
  `insert into api_tokens (id, user_id, name, hash, scopes, created_by, makers, expires_at)
     values ('${id}', '${of}', 't', '${id}', '{${scopes}}', 'usr_b', '{${makers}}', now() + interval '1 day');`
export const event = (number: number) =>
  `insert into audit_events (id, kind, actor, subject, body) values ('aud_${number}', 'a.b', 'c', 'd', '{}');`
export const HEAD = 'select seq::int from audit_head'
export const BROKEN_LINKS = `select c.seq from audit_chain c join audit_events e on e.id = c.event_id
    left join audit_chain p on p.seq = c.seq - 1
  where c.hash <> sha256(coalesce(p.hash, sha256('latchkey')) || convert_to(audit_linked(c.seq, e), 'UTF8'))`
export const WEEK = { days: 7 }
export const PROPOSALS = 'select id from proposals order by id'
