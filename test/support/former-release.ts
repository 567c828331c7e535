import { readFileSync } from 'node:fs'
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
