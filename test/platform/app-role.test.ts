import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { within } from '../support/database.ts'
import { EmbeddedHome } from '../support/embedded-daemon.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

/** As the operator's guide says, under names of its own. */
function guideSql(mark: string): string[] {
  const guide = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
  const block = /## Roles in the database[\s\S]*?```sql\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''
  const renamed = block.replaceAll(/latchkey_(owner|app)/g, `$1_${mark}`).replaceAll(/database latchkey/g, `database lk_${mark}`)
  return renamed
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

describe('a daemon on a database prepared as the guide says', () => {
  const mark = randomBytes(4).toString('hex')
  const server = inject('databaseUrl')
  const urlOf = (role: string, password: string) => {
    const base = server.replace(/\/[^/]*$/, `/lk_${mark}`)
    return base.replace(/\/\/[^@]*@/, `//${role}_${mark}:${password}@`)
  }
  const [owner, app] = [urlOf('owner', 'one'), urlOf('app', 'another')]
  let broker: Broker

  beforeAll(async () => {
    await within(server, async (client) => {
      for (const statement of guideSql(mark)) await client.query(statement)
    })
    const database = {
      url: app,
      query: async (statement: string, values?: unknown[]) =>
        within(app, async (client) => (await client.query(statement, values)).rows),
      drop: async () => {},
    }
    broker = await startBroker({
      database: database as Broker['database'],
      ownerUrl: owner,
      plugins: [toyPlugin(new ToyTarget())],
    })
  })
  afterAll(async () => {
    await broker?.close()
    await within(server, async (client) => {
      await client.query(`drop database if exists lk_${mark} with (force)`)
      for (const role of ['app', 'owner']) await client.query(`drop role if exists ${role}_${mark}`)
    })
  })

  it('does its work, and leaves a trail that is whole', async () => {
    const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }
    await broker.admin.must(broker.admin.post('/api/integrations', { name: 'toys', plugin: 'toy', config }))
    await broker.admin.must(broker.admin.post('/api/users', { name: 'Ann', roles: ['auditor'] }))
    expect((await broker.admin.post('/api/audit/verify')).body).toMatchObject({ ok: true })
    expect((await broker.admin.get('/api/audit')).body.items.length).toBeGreaterThan(2)
  })

  it.each([
    `update audit_events set actor = 'nobody'`,
    'delete from audit_events',
    'truncate audit_events',
    'delete from audit_chain',
    `insert into audit_chain (seq, event_id, hash) values (999, 'aud_x', '')`,
    `update audit_chain set hash = ''`,
    'delete from audit_head',
    'update audit_head set seq = 1',
    'alter table audit_events disable trigger all',
    'drop trigger audit_events_stay on audit_events',
    'drop table audit_events cascade',
    'create table mine (n int)',
    `create or replace function audit_link() returns trigger language plpgsql as 'begin return null; end'`,
    'set session_replication_role = replica',
    `copy users to program 'cat'`,
    'create role other',
    'delete from migrations',
  ])('has no right to %s', async (statement) => {
    await expect(broker.database.query(statement)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('a daemon on its embedded database', { timeout: 120_000 }, () => {
  let home: EmbeddedHome
  beforeAll(async () => {
    home = await EmbeddedHome.make()
  })
  afterAll(() => home.remove())

  it('works as a role that is no superuser and owns no table', async () => {
    const daemon = await home.start()
    const admin = daemon.api(await home.bootstrap())
    await admin.must(admin.post('/api/users', { name: 'Ann', roles: ['auditor'] }))
    expect((await admin.post('/api/audit/verify')).body).toMatchObject({ ok: true })
    const database = await home.database()
    const connected = await database.query(
      `select distinct a.usename, r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls as mighty
       from pg_stat_activity a join pg_roles r on r.rolname = a.usename where a.datname = 'latchkey' and a.pid <> pg_backend_pid()`,
    )
    expect(connected).toEqual([{ usename: 'latchkey_app', mighty: false }])
    expect(await database.query(`select 1 from pg_tables where tableowner = 'latchkey_app'`)).toEqual([])
  })
})
