import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../dev/vault/free-port.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Database, UrgentDatabase } from '../../src/platform/postgres/database.ts'
import { postgresUser } from '../../src/platform/postgres/os-user.ts'
import { type FreshDatabase, freshDatabase, within } from '../support/database.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

const { PATH = '' } = process.env
const env = { PATH: `${PATH}:/usr/sbin` }
const isThere = spawnSync('pgbouncer', ['--version'], { env }).status === 0
if (!isThere) console.warn('SKIPPED: no pgbouncer is installed (Debian: apt-get install pgbouncer), so no pooler is tried')

describe.skipIf(!isThere)('behind PgBouncer that gives sessions', () => {
  let database: FreshDatabase
  let toys: ToyGrants
  let dir: string
  let stop: () => Promise<unknown>

  beforeAll(async () => {
    database = await freshDatabase()
    const [, user, password, host, name] = /\/\/([^:]+):([^@]+)@([^/]+)\/(.+)$/.exec(database.url)!
    const port = await freePort()
    dir = await mkdtemp(path.join(tmpdir(), 'lk-pgb-'))
    await chmod(dir, 0o755)
    const server = `host=${decodeURIComponent(host!)} port=5432 dbname=${name} user=${user} password=${password}`
    const settings = [
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = session',
      'default_pool_size = 60',
    ]
    await writeFile(
      path.join(dir, 'pgbouncer.ini'),
      ['[databases]', `${name} = ${server}`, '[pgbouncer]', ...settings, ''].join('\n'),
    )
    const pooler = spawn('pgbouncer', ['-q', path.join(dir, 'pgbouncer.ini')], {
      ...postgresUser(),
      cwd: dir,
      env,
      stdio: 'ignore',
    })
    const gone = new Promise((resolve) => pooler.once('exit', resolve))
    stop = () => {
      pooler.kill('SIGKILL')
      return gone
    }
    const url = `postgresql://${user}:${password}@127.0.0.1:${port}/${name}`
    await waitFor('the pooler to answer', () => within(url, async (client) => client.query('select 1')).catch(() => undefined))
    toys = await startToyGrants(1, { database: { ...database, url } })
  })
  afterAll(async () => {
    await toys?.close()
    await stop?.()
    await rm(dir, { recursive: true, force: true })
    await database?.drop()
  })

  it.each([
    ['calls', Database, { lock: '10s', statement: '20s', idle: '5s' }],
    ['ends', UrgentDatabase, { lock: '8s', statement: '10s', idle: '5s' }],
  ])('the limits of what %s hold', async (_name, kind, limits) => {
    const [set] = await toys.broker.app.get<Database>(kind).pool.query(
      `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
         current_setting('idle_in_transaction_session_timeout') as idle`,
    )
    expect(set).toEqual(limits)
  })

  it('access is given and ends, and the replica is present and ready', async () => {
    const grantId = await toys.grant(3)
    await toys.until(grantId, 'expired')
    const given = await toys.grant()
    await toys.giveBack(given)
    await toys.until(given, 'revoked', 5_000)
    const presence = await database.query(`select 1 from pg_locks l join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and l.objsubid = 1 and a.application_name = 'latchkey-presence' and a.datname = current_database()`)
    expect(presence).toHaveLength(1)
    expect((await toys.broker.api().get('/readyz')).status).toBe(200)
  })
})
