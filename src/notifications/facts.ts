import type { AskedAction } from '../approvals/requests/request.ts'
import type { People } from '../contract/people.ts'
import type { RequestKind } from '../contract/requests.ts'
import { row, rows, type Tx } from '../platform/postgres/database.ts'

/** What a reader must know of the request behind an event. */
export interface Facts {
  readonly requestId: string
  readonly kind: RequestKind
  readonly grantId: string | null
  readonly requester: {
    readonly id: string
    readonly name: string
    readonly userName?: string | null
    readonly email?: string | null
  }
  readonly flow: string
  readonly integration: string
  readonly seconds: number
  readonly action: AskedAction | null
  readonly justification: string
  readonly resources: readonly { readonly name: string; readonly permissions: readonly string[] }[]
  readonly expiresAt: Date | null
  /** who is told without having to decide */
  readonly notify: People
}

/** By subject of an event: a request, its grant or its review. What belongs to no request has no entry. */
export async function readFacts(tx: Tx, subjects: readonly string[]): Promise<Map<string, Facts>> {
  const found = await rows<Facts & { readonly subject: string }>(
    tx,
    `select s.subject, q.id as "requestId", q.kind, q.action, g.id as "grantId", json_build_object('id', u.id, 'name', u.name,
         'userName', coalesce(u.user_name, u.sign_in_name), 'email', u.email) as requester,
       f.name as flow, i.name as integration, coalesce(q.approved_seconds, q.seconds) as seconds, q.justification,
       g.expires_at as "expiresAt",
       json_build_object('users', coalesce(v.rule -> 'notify' -> 'users', '[]'),
         'groups', coalesce(v.rule -> 'notify' -> 'groups', '[]')) as notify,
       (select coalesce(json_agg(json_build_object('name', r.name, 'permissions', a.permissions) order by r.name), '[]')
        from access_request_resources a join resources r on r.id = a.resource_id where a.request_id = q.id) as resources
     from (select distinct unnest($1::text[])) as s (subject)
     join access_requests q on q.id = coalesce((select request_id from grants where id = s.subject),
       (select request_id from emergency_reviews where id = s.subject), s.subject)
     join access_flows f on f.id = q.flow_id
     join access_flow_versions v on v.flow_id = q.flow_id and v.version = q.flow_version
     join integrations i on i.id = q.integration_id
     join users u on u.id = q.requester_id
     left join grants g on g.id = q.extends_grant_id or (q.extends_grant_id is null and g.request_id = q.id)`,
    [subjects],
  )
  return new Map(found.map(({ subject, ...facts }) => [subject, facts]))
}

/** What a reader must know of the run that an event is about. */
export interface RunFacts {
  readonly action: string
  readonly integration: string
  /** what it was done to */
  readonly things: readonly string[]
  readonly reason: string
}

/** Of a run that was ordered; what else an event may be about has none. */
export function readRun(tx: Tx, subject: string): Promise<RunFacts | undefined> {
  return row(
    tx,
    `select o.action, i.name as integration, o.reason, coalesce(
         (select jsonb_agg(c ->> 'name') from jsonb_array_elements(o.concerns) as c), to_jsonb(o.writes)) as things
     from ordered_runs o join integrations i on i.id = o.integration_id where o.id = $1`,
    [subject],
  )
}

/** What people are called, for those of the ids that are people's. */
export async function readNames(tx: Tx, ids: readonly string[]): Promise<Map<string, string>> {
  const found = await rows<{ id: string; name: string; userName: string | null }>(
    tx,
    'select id, name, coalesce(user_name, sign_in_name) as "userName" from users where id = any($1)',
    [ids],
  )
  return new Map(found.map(({ id, ...person }) => [id, called(person)]))
}

/** Names are chosen by their owners at many providers: what somebody signs in as stands beside. */
export function called({ name, userName }: { readonly name: string; readonly userName?: string | null }): string {
  return userName ? `${name} (${userName})` : name
}
