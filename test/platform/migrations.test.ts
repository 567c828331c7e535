import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DataSource } from 'typeorm'
import { afterAll, describe, expect, it } from 'vitest'
import { verify } from '../../src/audit/verify.ts'
import { Database, dataSourceOptions } from '../../src/platform/postgres/database.ts'
import { migrate } from '../../src/platform/postgres/migrate.ts'
import * as databases from '../support/database.ts'
import { type FreshDatabase, freshDatabase, within } from '../support/database.ts'
import { databaseOf010, MORE_OF_010 } from '../support/former-release.ts'
import { STORIES } from '../support/migration-stories.ts'
import { COMPANY, type Looks } from '../support/migration-story.ts'
import { everyRow, lostSince, NEWEST, takeTo } from '../support/schema-at.ts'
import { dumpOf } from '../support/schema-dump.ts'

const SCHEMA = path.resolve(import.meta.dirname, '../../migrations/schema.sql')

const made: FreshDatabase[] = []
async function emptyDatabase(): Promise<FreshDatabase> {
  const database = await databases.emptyDatabase()
  made.push(database)
  return database
}
afterAll(async () => {
  for (const database of made) await database.drop()
})

async function downToNothing(url: string): Promise<void> {
  const source = await new DataSource(dataSourceOptions(url, 2)).initialize()
  try {
    for (const _ of source.migrations) await source.undoLastMigration()
  } finally {
    await source.destroy()
  }
}

describe('the migrations', () => {
  it('make of nothing what migrations/schema.sql shows', async () => {
    const database = await emptyDatabase()
    expect(await migrate(database.url)).not.toEqual([])
    const dump = await within(database.url, dumpOf)
    if (process.env['UPDATE_SCHEMA']) writeFileSync(SCHEMA, dump)
    expect(dump, 'UPDATE_SCHEMA=1 npx vitest run test/platform/migrations.test.ts writes it again').toBe(
      readFileSync(SCHEMA, 'utf8'),
    )
  })

  it('make no view that is not shown there', async () => {
    const database = await emptyDatabase()
    await migrate(database.url)
    await database.query('create view open_grants as select id from grants')
    await database.query('create materialized view counted_grants as select count(*) from grants')
    const dump = await within(database.url, dumpOf)
    expect(dump).toContain('\ncreate view open_grants as ')
    expect(dump).toContain('\ncreate materialized view counted_grants as ')
  })

  it('go down to nothing, with rows in the way, and up again to the same', async () => {
    const database = await emptyDatabase()
    await migrate(database.url)
    const before = await within(database.url, dumpOf)
    await database.query(`insert into users (id, name) values ('usr_1', 'Ada')`)
    await database.query(`insert into audit_events (id, kind, actor, subject, body) values ('aud_1', 'a.b', 'c', 'd', '{}')`)
    await downToNothing(database.url)
    const left = await database.query(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S', 'm')
       union all select proname from pg_proc where pronamespace = 'public'::regnamespace order by 1`,
    )
    expect(left.map(({ name }) => name)).toEqual(['migrations', 'migrations_id_seq'])
    expect(await database.query('select name from migrations')).toEqual([])
    await migrate(database.url)
    expect(await within(database.url, dumpOf)).toBe(before)
  })

  it('run once although twenty daemons start at the same moment', async () => {
    const database = await emptyDatabase()
    const ran = await Promise.all(Array.from({ length: 20 }, () => migrate(database.url)))
    const source = new DataSource(dataSourceOptions(database.url, 1))
    const known = (source.options.migrations as unknown[]).length
    expect(ran.flat()).toHaveLength(known)
    expect(ran.filter((names) => names.length > 0)).toHaveLength(1)
    expect(await database.query('select name from migrations')).toHaveLength(known)
    expect(await migrate(database.url)).toEqual([])
  })

  it('keep what 0.1.0 wrote: its trail is whole, and what people did is in their hands', async () => {
    const database = await emptyDatabase()
    const options = dataSourceOptions(database.url, 1)
    const former = (options.migrations as { name: string }[]).filter(({ name }) => /^(Initial|People)/.test(name))
    const source = await new DataSource({ ...options, migrations: former as never }).initialize()
    await source.runMigrations()
    await source.destroy()
    await database.query(`insert into users (id, name) values ('usr_a', 'Ada'), ('usr_b', 'Bob'), ('usr_c', 'Cem')`)
    await database.query(`insert into identities (issuer, subject, user_id) values ('https://idp', 'a', 'usr_a')`)
    await database.query(
      `insert into users (id, name, source, external_id, user_name, scim)
       values ('usr_s', 'Sam', 'scim', 'e1', 'Sam', '{"userName": "Sam", "externalId": "e1"}'),
         ('usr_g', 'Gus', 'scim', null, null, '{"userName": "Gus", "externalId": "e2"}')`,
    )
    const proposal = `insert into proposals (id, kind, body, summary, proposer_id, token_makers, state, decided_by) values `
    await database.query(`${proposal} ('prp_1', 'flow.create', '', '{}', 'usr_a', '{usr_b,broker}', 'open', null)`)
    await database.query(`${proposal} ('prp_2', 'flow.create', '', '{}', 'usr_a', '{usr_b}', 'accepted', 'usr_c')`)
    await database.query(`insert into audit_events (id, kind, actor, subject, body) values ('aud_1', 'a.b', 'usr_a', 'd', '{}')`)

    await migrate(database.url)

    const after = new Database(await new DataSource(options).initialize())
    expect(await verify(after)).toMatchObject({ ok: true, events: 1 })
    await after.onApplicationShutdown()
    const proposals = await database.query('select id, hands, decided_hands as decided from proposals order by id')
    expect(proposals).toEqual([
      { id: 'prp_1', hands: ['identity ["https://idp", "a"]', 'usr_a', 'usr_b'], decided: null },
      { id: 'prp_2', hands: ['usr_a'], decided: ['usr_c'] },
    ])
    const [{ s, g } = {}] = await database.query(`select hands_of('{usr_s}') as s, hands_of('{usr_g}') as g`)
    expect(s).toEqual(['external_id "e1"', 'user_name "sam"', 'usr_s'])
    expect(g).toEqual(['external_id "e2"', 'user_name "gus"', 'usr_g'])
    await downToNothing(database.url)
  })

  it('leave nothing behind when they fail, and say why', async () => {
    const database = await emptyDatabase()
    await database.query('create table users (id int)')
    await expect(migrate(database.url)).rejects.toThrow('relation "users" already exists')
    const tables = await database.query(`select tablename from pg_tables where schemaname = 'public' order by 1`)
    expect(tables.map(({ tablename }) => tablename)).toEqual(['migrations', 'users'])
    await database.query('drop table users')
    expect(await migrate(database.url)).not.toEqual([])
  })
})

describe('a migration that finds rows', () => {
  const hold = async (database: FreshDatabase, looks: Looks = {}) => {
    for (const [look, answer] of Object.entries(looks)) expect(await database.query(look), look).toEqual(answer)
  }

  it.each(STORIES)('$of $title', async ({ of, before, up, meanwhile = '', written, down }) => {
    const database = await emptyDatabase()
    await takeTo(database.url, of - 1)
    await database.query(COMPANY + before)
    await takeTo(database.url, of)
    await hold(database, up)
    await database.query(meanwhile)
    await hold(database, written)
    await takeTo(database.url, of - 1)
    await hold(database, down)
    await takeTo(database.url, NEWEST)
    await hold(database, { 'select id from grants': [{ id: 'grt_1' }] })
  })

  it('takes what a daemon of 0.1.0 writes beside it to lend and end access, and refuses the changes that it proposes', async () => {
    const database = await emptyDatabase()
    await takeTo(database.url, NEWEST)
    await database.query(COMPANY) // in the columns of then
    await database.query(`update grants set state = 'revoking', revoking_at = now(), end_reason = 'expired' where id = 'grt_1'`)
    await database.query(`update action_steps set state = 'undone' where run_id = 'run_1'`)
    await database.query(`update action_runs set state = 'undone', epoch = epoch + 1, settled_at = now() where id = 'run_1'`)
    await database.query(`update openings set state = 'ended' where grant_id = 'grt_1'`)
    const ended = `update grants set state = 'expired', cut_at = now(), ended_at = now(), receipt = '{}' where id = 'grt_1'`
    await database.query(ended)
    await database.query(
      `insert into audit_events (id, kind, actor, subject, body) values ('aud_1', 'grant.expired', 'broker', 'grt_1', '{}')`,
    )
    await hold(database, {
      'select hands, kind from access_requests': [1, 2].map(() => ({ hands: ['usr_a'], kind: 'access' })),
      'select hands from approvals': [{ hands: ['usr_b'] }],
      'select state from grants': [{ state: 'expired' }],
      'select seq::int from audit_chain': [{ seq: 1 }],
    })
    const proposed = `insert into proposals (id, kind, body, summary, proposer_id) values ('prp_1', 'flow.create', '', '{}', 'usr_a')`
    await expect(database.query(proposed)).rejects.toThrow('null value in column "expires_at"')
    const kept = `insert into integration_secrets (integration_id, name, sealed) values ('int_1', 'secretId', 's')
      on conflict (integration_id, name) do update set sealed = excluded.sealed`
    await expect(database.query(kept)).rejects.toThrow('no unique or exclusion constraint')
  })

  it('has a story of them in test/support/migration-stories.ts, wherever it rewrites some', () => {
    const folder = path.dirname(SCHEMA)
    const rewrites = globSync('00*.ts', { cwd: folder }).filter((file) => {
      const statements = readFileSync(path.join(folder, file), 'utf8').replace(/as \$\$[\s\S]*?\$\$/g, '')
      return /^\s*(update|delete from|insert into)\s/m.test(statements)
    })
    const told = STORIES.map(({ of }) => of)
    const first = 1 // which finds nothing
    expect(rewrites.length).toBeGreaterThanOrEqual(12)
    expect(rewrites.map((file) => Number(file.slice(0, 4))).filter((of) => of !== first && !told.includes(of))).toEqual([])
  })

  it('keeps every row and every word that 0.1.0 wrote, on the way up and on the way back', async () => {
    const database = await databaseOf010()
    made.push(database)
    await database.query(MORE_OF_010)
    const then = await within(database.url, everyRow)
    const tables = ['action_runs', 'approvals', 'grants', 'notification_deliveries', 'openings', 'proposals', 'webhooks']
    expect([...then.keys()]).toEqual(expect.arrayContaining(tables))

    await takeTo(database.url, NEWEST)
    expect(lostSince(then, await within(database.url, everyRow))).toEqual([
      'access_requests req_more: token_makers was ["usr_x","broker"] and is ["usr_x"]', // the broker is nobody's hand
      'proposals prp_2: body was "sealed" and is null', // what is over keeps nothing
      'proposals prp_2: state was "accepted" and is "performed"', // accepting was performing
      'proposals prp_3: body was "sealed" and is null',
    ])

    await takeTo(database.url, 2)
    expect(lostSince(then, await within(database.url, everyRow))).toEqual([
      'access_requests req_more: token_makers was ["usr_x","broker"] and is ["usr_x"]',
      'proposals prp_2: body was "sealed" and is ""',
      'proposals prp_3: body was "sealed" and is ""',
    ])
  })
})

describe('the schema', () => {
  it('names every rule, so that a refusal says which one it was', async () => {
    const database = await freshDatabase()
    made.push(database)
    const unnamed = await database.query<{ name: string }>(
      `select conrelid::regclass || '.' || conname as name from pg_constraint
       where connamespace = 'public'::regnamespace and contype <> 'n' and conrelid <> 'migrations'::regclass
         and conname ~ '_(check|fkey|key|excl)[0-9]*$'`,
    )
    expect(unnamed).toEqual([])
  })

  it('knows time with its zone only', async () => {
    const database = await freshDatabase()
    made.push(database)
    const naive = await database.query(
      `select table_name, column_name from information_schema.columns
       where table_schema = 'public' and data_type in ('timestamp without time zone', 'time without time zone', 'date')`,
    )
    expect(naive).toEqual([])
  })
})
