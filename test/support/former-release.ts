import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DataSource } from 'typeorm'
import type { VaultServer } from '../../dev/vault/vault-server.ts'
import { dataSourceOptions } from '../../src/platform/postgres/database.ts'
import { emptyDatabase, type FreshDatabase, within } from './database.ts'
import { furnished } from './world.ts'

const FIXTURES = path.resolve(import.meta.dirname, '../platform/fixtures')

/** What the file says of the grants in it, by their names in the stories. */
interface Story {
  readonly approle: { readonly roleId: string; readonly secretId: string }
  /** seals the secrets in the database */
  readonly key: string
  readonly integrationId: string
  readonly alice: string
  readonly bob: string
  readonly token: string
  readonly password: string
  readonly passwordFields: { readonly username: string; readonly password: string }
  readonly unopened: string
  readonly overdue: string
  readonly ended: string
  readonly emergency: string
  readonly pendingRequest: string
  readonly pendingExtension: string
  readonly leaving: string
  readonly half: string
  readonly target: Readonly<Record<string, Readonly<Record<string, unknown>> & { readonly policy?: string }>>
}

export const STORY = JSON.parse(readFileSync(path.join(FIXTURES, '0.1.0.json'), 'utf8')) as Story

/** A database as 0.1.0 left it a moment ago, at the schema of 0.1.0. Its audit trail has the times of then: they are in its hashes. */
export async function databaseOf010(): Promise<FreshDatabase> {
  const database = await emptyDatabase()
  const options = dataSourceOptions(database.url, 1)
  const former = (options.migrations as { name: string }[]).filter(({ name }) => /^(Initial|People)\d/.test(name))
  const source = await new DataSource({ ...options, migrations: former as never }).initialize()
  await source.runMigrations()
  await source.destroy()
  const rows = readFileSync(path.join(FIXTURES, '0.1.0.sql'), 'utf8')
  await within(database.url, (client) => client.query(`set session_replication_role = replica; ${rows}; ${TO_NOW}`))
  return database
}

/** The compiled daemon of 0.1.0, below the modules that it imports. */
export function daemonOf010(): string {
  const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const place = mkdtempSync(path.join(cache, 'daemon-0.1.0-'))
  execFileSync('tar', ['-xzf', path.join(FIXTURES, '0.1.0.tgz'), '-C', place])
  return path.join(place, 'dist/src/main.js')
}

/** Of what that daemon could write, the kinds of rows that its file has none of. */
export const MORE_OF_010 = `
insert into identities (issuer, subject, user_id) values ('https://idp', 'a', '${STORY.alice}');
insert into groups (id, name, source) values ('grp_1', 'ops', 'sign_in'), ('grp_2', 'ops', 'local');
insert into group_members (group_id, user_id, confirmed_at) values ('grp_1', '${STORY.alice}', now()), ('grp_2', '${STORY.bob}', null);
insert into role_groups (role, group_id) values ('approver', 'grp_2');
insert into http_sessions (sid, sess, expire, id, user_id, issuer, subject, sealed)
  values ('s', '{}', now() + interval '1 hour', 'ses_1', '${STORY.alice}', 'https://idp', 'a', 'sealed');
insert into logout_tokens (issuer, jti, expires_at) values ('https://idp', 'j', now());
insert into scim_tokens (id, name, hash, created_by, expires_at) values ('sct_1', 'scim', 'h', '${STORY.bob}', now() + interval '1 day');
insert into integration_secrets (integration_id, name, sealed) values ('${STORY.integrationId}', 'other', 'sealed');
insert into bundles (id, name, integration_id) values ('bnd_1', 'bundle', '${STORY.integrationId}');
insert into bundle_resources (bundle_id, resource_id, permissions) select 'bnd_1', min(id), '{read}' from resources;
insert into proposals (id, kind, body, summary, proposer_id, state, decided_by, decided_at) values
  ('prp_1', 'flow.create', 'sealed', '{"a": 1}', '${STORY.alice}', 'open', null, null),
  ('prp_2', 'flow.create', 'sealed', '{}', '${STORY.alice}', 'accepted', '${STORY.bob}', now()),
  ('prp_3', 'integration.own', 'sealed', '{}', '${STORY.alice}', 'declined', '${STORY.bob}', now());
insert into webhooks (id, name, url, events, sealed, created_by) values ('whk_1', 'hook', 'https://x', '{grant.active}', 'sealed', '${STORY.alice}');
insert into notification_deliveries (id, event_id, kind, channel, target, state, attempts, last_error, settled_at)
  select 'ntd_' || n, min(e.id), e.kind, channel, target, state, attempts, problem, settled from audit_events e,
    (values (1, 'webhook', 'whk_1', 'waiting', 3, 'no answer', null), (2, 'email', 'a@x', 'sent', 1, null, now()),
      (3, 'email', 'b@x', 'dead', 20, 'no', now())) as d (n, channel, target, state, attempts, problem, settled)
  where e.kind = 'grant.active' group by n, e.kind, channel, target, state, attempts, problem, settled;
insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, delivery, expires_at, token_makers)
  select 'req_more', flow_id, 1, integration_id, requester_id, 'cancelled', 60, 'token', now(), '{usr_x,broker}' from access_requests
  where id = '${STORY.pendingRequest}';`

const TO_NOW = `do $$
declare
  passed interval := date_trunc('milliseconds', clock_timestamp() - (select max(at) from audit_events)); -- ends have whole ones
  c record;
begin
  for c in select table_name as at, string_agg(format('%1$I = %1$I + $1', column_name), ', ') as moved from information_schema.columns
    where table_schema = 'public' and data_type = 'timestamp with time zone' and table_name not like 'audit%' group by table_name
  loop execute format('update %I set %s', c.at, c.moved) using passed; end loop;
end $$`

/** What stood in the target for the grants of that database, put into a server of today that the broker of then can log in to. */
export async function targetOf010(vault: VaultServer, database: FreshDatabase): Promise<void> {
  await furnished(vault)
  const role = 'auth/approle/role/latchkey'
  await vault.api('POST', `${role}/role-id`, { role_id: STORY.approle.roleId })
  await vault.api('POST', `${role}/custom-secret-id`, { secret_id: STORY.approle.secretId })
  await database.query(`update integrations set config = jsonb_set(config, '{address}', to_jsonb($1::text))`, [vault.address])
  const ends = await database.query<{ id: string; until: Date }>('select id, target_until as until from grants')
  const untilOf = new Map(ends.map(({ id, until }) => [id.slice('grt_'.length), until]))
  for (const [place, { policy, ...settings }] of Object.entries(STORY.target)) {
    const until = untilOf.get(place.slice(place.indexOf('apono-g-') + 'apono-g-'.length))
    const data = policy
      ? { policy: policy.replace(/until [^"\\]+/, `until ${until?.toISOString()}`) }
      : { ...settings, password: place.endsWith(STORY.passwordFields.username) ? STORY.passwordFields.password : 'nobody knows' }
    const { status, body } = await vault.api('POST', place, data)
    if (status >= 300) throw new Error(`${place}: ${status} ${JSON.stringify(body)}`)
  }
}
