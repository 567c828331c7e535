import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/platform/postgres/embedded-postgres.ts'
import { canReach, type OsUser, postgresUser } from '../../src/platform/postgres/os-user.ts'
import { give } from '../../src/platform/postgres/postgres-folder.ts'
import { isServer, serverPid } from '../../src/platform/postgres/postgres-process.ts'
import { daemonOn, killed, query, urlOf } from '../support/daemon-process.ts'

const isRoot = process.getuid?.() === 0
const nobody: OsUser = { uid: 65_534, gid: 65_534 }
const nobodyCanReadUs = isRoot && (await canReach(import.meta.dirname, nobody))

let base: string
let dir: string
let data: string
let started: EmbeddedPostgres[] = []
let daemons: ChildProcess[] = []

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'lk-'))
  await chmod(base, 0o711)
  dir = path.join(base, 'pg')
  data = path.join(dir, 'cluster/data')
})

afterEach(async () => {
  for (const daemon of daemons) await killed(daemon)
  for (const database of started) await database.stop()
  const survivor = serverPid(data)
  if (survivor !== undefined && isServer(survivor, data)) {
    process.kill(survivor, 'SIGQUIT')
    await gone(survivor)
  }
  ;[started, daemons] = [[], []]
  await rm(base, { recursive: true, force: true, maxRetries: 10 })
})

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dir, fsync: false, ...options })
  started.push(database)
  return database
}

function aDaemon(how: OsUser & { fsync?: boolean } = {}): ChildProcess {
  const daemon = daemonOn(dir, how)
  daemons.push(daemon)
  return daemon
}

const gone = (pid: number) => vi.waitUntil(() => !isServer(pid, data), { timeout: 10_000, interval: 20 })

describe('the embedded database', () => {
  it('is a PostgreSQL with the database latchkey, behind a socket and a password', async () => {
    const { url, adopted } = await start({ fsync: true })
    expect(adopted).toBe(false)
    const settings = ['listen_addresses', 'max_connections', 'fsync', 'server_encoding', 'TimeZone']
    const rows = await query(
      url,
      `select ${settings.map((name) => `current_setting('${name}') "${name}"`).join()}, current_database() database`,
    )
    expect(rows).toEqual([
      {
        listen_addresses: '',
        max_connections: '200',
        fsync: 'on',
        server_encoding: 'UTF8',
        TimeZone: 'UTC',
        database: 'latchkey',
      },
    ])
    expect(await query(url, 'select datlocprovider p, datlocale l from pg_database where datname = current_database()')).toEqual([
      { p: 'b', l: 'C.UTF-8' },
    ])
    const wrong = new URL(url)
    wrong.password = 'guess'
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  it('shows its password and its files to nobody else', async () => {
    const { url } = await start()
    for (const name of ['cluster', 'run']) expect((await stat(path.join(dir, name))).mode & 0o777).toBe(0o700)
    expect((await stat(path.join(dir, 'cluster/password'))).mode & 0o777).toBe(0o600)
    const { password } = new URL(url)
    expect(await readFile(path.join(dir, 'postgres.log'), 'utf8')).not.toContain(password)
    expect(await readFile(`/proc/${serverPid(data)}/cmdline`, 'utf8').catch(() => '')).not.toContain(password)
    expect(await readFile(`/proc/${serverPid(data)}/environ`, 'utf8').catch(() => '')).not.toContain('VITEST')
  })

  it('keeps what was written over a stop, and stops as often as it is told', async () => {
    const first = await start()
    const pid = serverPid(data)!
    await query(first.url, 'create table kept as select 7 as n')
    await Promise.all([first.stop(), first.stop()])
    await first.stop()
    expect(isServer(pid, data)).toBe(false)
    expect(existsSync(path.join(data, 'postmaster.pid'))).toBe(false)
    const second = await start()
    expect(second).toMatchObject({ url: first.url, adopted: false })
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
  })

  it('refuses a second daemon while the first lives, and says which it is', async () => {
    const daemon = aDaemon()
    const url = await urlOf(daemon)
    await expect(start()).rejects.toMatchObject({
      code: 'conflict',
      message: `another daemon, process ${daemon.pid}, is using the database in ${dir}`,
      fix: expect.stringContaining(`kill ${daemon.pid}`),
    })
    expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  it('refuses a second daemon although the first does not react', async () => {
    const daemon = aDaemon()
    await urlOf(daemon)
    daemon.kill('SIGSTOP')
    await expect(start()).rejects.toMatchObject({ code: 'conflict' })
  })

  it('lets at most one go on of many that start at the same moment', async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => start()))
    const refused = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []))
    expect(refused.length).toBeGreaterThanOrEqual(5)
    for (const reason of refused) expect(reason).toMatchObject({ code: 'conflict' })
    for (const database of started) await database.stop()
    expect(await query((await start()).url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  it('adopts the server of a daemon that was killed', async () => {
    const daemon = aDaemon()
    await query(await urlOf(daemon), 'create table kept as select 7 as n')
    const pid = serverPid(data)!
    await killed(daemon)
    const said: string[] = []
    const { url, adopted, stop } = await start({ log: (message) => said.push(message) })
    expect({ adopted, pid: serverPid(data) }).toEqual({ adopted: true, pid })
    expect(said).toContainEqual(`adopted the database server that an earlier daemon left running, process ${pid}`)
    expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }])
    await stop()
    expect(isServer(pid, data)).toBe(false)
  })

  it('restarts a survivor that would not write through to the disk', async () => {
    const daemon = aDaemon()
    await urlOf(daemon)
    await killed(daemon)
    const { url, adopted } = await start({ fsync: true })
    expect(adopted).toBe(false)
    expect(await query(url, 'show fsync')).toEqual([{ fsync: 'on' }])
  })

  it('waits for a survivor that is shutting down', async () => {
    const daemon = aDaemon()
    await urlOf(daemon)
    await killed(daemon)
    process.kill(serverPid(data)!, 'SIGINT')
    expect(await query((await start()).url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  it('recovers when the daemon and the server were both killed', async () => {
    const daemon = aDaemon({ fsync: true })
    await query(await urlOf(daemon), 'create table kept as select 7 as n')
    await killed(daemon)
    process.kill(serverPid(data)!, 'SIGKILL')
    const { url, adopted } = await start()
    expect(adopted).toBe(false)
    expect(await query(url, 'select n from kept')).toEqual([{ n: 7 }])
  })

  it('waits for what a killed server was still computing', async () => {
    const first = await start()
    const client = new pg.Client({ connectionString: first.url })
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const computing = client.query('select sum(i) from generate_series(1, 5000000) i').catch(() => {})
    client.on('error', () => {})
    process.kill(rows[0]!.pid, 'SIGSTOP') // busy for as long as we like
    process.kill(serverPid(data)!, 'SIGKILL')
    await first.stop()
    const second = start()
    const log = () => readFile(path.join(dir, 'postgres.log'), 'utf8').catch(() => '')
    await vi.waitUntil(async () => (await log()).includes('pre-existing shared memory'), { timeout: 10_000, interval: 20 })
    process.kill(rows[0]!.pid, 'SIGCONT')
    expect(await query((await second).url, 'select 1 as n')).toEqual([{ n: 1 }])
    await computing
  })

  it('starts although another process has got the id of the dead server', async () => {
    await (await start()).stop()
    // the same user's, or PostgreSQL itself sees through it
    const other = spawn('sleep', ['600'], { ...postgresUser(), cwd: '/', stdio: 'ignore' })
    daemons.push(other)
    await once(other, 'spawn')
    for (const left of ['cluster/data/postmaster.pid', 'run/.s.PGSQL.5432.lock']) {
      await writeFile(path.join(dir, left), `${other.pid}\n${data}\n`)
    }
    expect(await query((await start()).url, 'select 1 as n')).toEqual([{ n: 1 }])
    expect(other.exitCode).toBeNull()
  })

  it('throws away what a daemon left half made', async () => {
    const daemon = aDaemon()
    const draft = () =>
      readdir(dir).then(
        (names) => names.find((name) => existsSync(path.join(dir, name, 'data/base'))),
        () => undefined,
      )
    await vi.waitUntil(draft, { timeout: 10_000, interval: 1 })
    await killed(daemon)
    expect(existsSync(path.join(dir, 'cluster'))).toBe(false)
    expect(await query((await start()).url, 'select 1 as n')).toEqual([{ n: 1 }])
    // Where the checkout is closed to the server's user, a copy of the binaries lies there as well.
    const names = (await readdir(dir)).filter((name) => !name.startsWith('binaries'))
    expect(names.toSorted()).toEqual(['cluster', 'postgres.log', 'run'])
  })

  it('says why it did not start, in the words of the server, and leaves the folder free', async () => {
    await (await start()).stop()
    const version = path.join(data, 'PG_VERSION')
    await writeFile(version, '17\n')
    await expect(start()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('was initialized by PostgreSQL version 17'),
      fix: expect.stringContaining(path.join(dir, 'postgres.log')),
    })
    await writeFile(version, '18\n')
    await start()
  })

  it('keeps its socket in a short folder when its own path is too long', async () => {
    dir = path.join(base, 'long'.repeat(25))
    data = path.join(dir, 'cluster/data')
    const daemon = aDaemon()
    await urlOf(daemon)
    const short = await readlink(path.join(dir, 'run'))
    expect(short).toMatch(/^\/tmp\/latchkey-/)
    expect((await stat(short)).mode & 0o777).toBe(0o700)
    await expect(start()).rejects.toMatchObject({ code: 'conflict' })
    await killed(daemon)
    const survivor = await start()
    expect(survivor.adopted).toBe(true)
    await survivor.stop()
    await rm(short, { recursive: true })
    const { url, stop } = await start()
    expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
    await stop()
    await rm(await readlink(path.join(dir, 'run')), { recursive: true })
  })
})

describe.runIf(isRoot)('started by root, the embedded database', () => {
  it('does not run as root', async () => {
    await start()
    expect((await stat(`/proc/${serverPid(data)}`)).uid).toBe(postgresUser().uid)
  })

  it('is kept elsewhere when its user cannot reach the folder, and found again', async () => {
    await chmod(base, 0o700)
    const said: string[] = []
    const { url, stop } = await start({ log: (message) => said.push(message) })
    const elsewhere = await readlink(path.join(dir, 'elsewhere'))
    try {
      expect(elsewhere).toMatch(/^\/var\/lib\/latchkey\/postgres-/)
      expect(said).toContainEqual(expect.stringContaining(elsewhere))
      // Its user may be that of other services, which is said; a machine that has a user latchkey has nothing to say.
      if (postgresUser().shared) expect(said).toContainEqual(expect.stringContaining('make a user latchkey'))
      await query(url, 'create table kept as select 7 as n')
      await stop()
      const again = await start()
      expect(await query(again.url, 'select n from kept')).toEqual([{ n: 7 }])
      await again.stop()
    } finally {
      await rm(elsewhere, { recursive: true })
    }
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('which is gone') })
  })

  it.runIf(nobodyCanReadUs)('is not mixed up with one that an ordinary user started', async () => {
    await give(base, nobody)
    const daemon = aDaemon(nobody)
    const url = await urlOf(daemon)
    expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
    expect((await stat(path.join(dir, 'cluster'))).uid).toBe(nobody.uid)
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('belongs to the user with id 65534') })
  })
})
