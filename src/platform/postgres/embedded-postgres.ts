import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { BrokerError } from '../../sdk/index.ts'
import { lockFolder } from './folder-lock.ts'
import { type OsUser, postgresUser } from './os-user.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { type Cluster, DATABASE, ensureCluster, lastLines, surroundings } from './postgres-cluster.ts'
import { postgresFolder } from './postgres-folder.ts'
import { isServer, serverPid } from './postgres-process.ts'
import { PostgresWatch } from './postgres-watch.ts'

export interface EmbeddedPostgres {
  /** of the database `latchkey`, through a unix socket; with the password, so never logged */
  readonly url: string
  /** the same as a role that owns nothing and is no superuser: for everything but migrations */
  readonly appUrl: string
  /** whether an earlier daemon started the server and died without stopping it */
  readonly adopted: boolean
  /** Lets transactions go and shuts the server down. */
  stop(): Promise<void>
  /** Tells the server to shut down and does not wait for it: for a process that ends at once. */
  tell(): void
}

export interface EmbeddedPostgresOptions {
  readonly dir: string
  /** off only where losing the database is no loss */
  readonly fsync?: boolean
  /** how many sessions it lets in at once, 200 unless given */
  readonly connections?: number
  readonly log?: (message: string) => void
}

interface Server extends Cluster {
  readonly user: OsUser
  readonly bin: string
  readonly home: string
  readonly run: string
  readonly fsync: boolean
  readonly connections: number
  /** of the role the daemon works as, new with every daemon */
  readonly appPassword: string
}

const APP_ROLE = 'latchkey_app'

const PAUSE_MS = 20
const PAUSES_WITHOUT_ANSWER = 1500
const LAUNCHES = 50

/** A PostgreSQL of the broker's own: nothing to install, no TCP port, one daemon at a time. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dir, fsync = true, connections = 200, log = () => {} } = options
  const user = postgresUser()
  if (user.shared !== undefined) {
    log(
      `the database runs as ${user.shared}, like other services may, and these can read it: make a user latchkey, or start the broker as an ordinary user`,
    )
  }
  const { home, run } = await postgresFolder(path.resolve(dir), user, log)
  const lock = await lockFolder(run, path.resolve(dir))
  try {
    const bin = await postgresBinaries({ copyTo: home, user })
    const cluster = await ensureCluster(home, bin, user, fsync)
    const appPassword = randomBytes(24).toString('base64url')
    const server: Server = { user, bin, home, run, fsync, connections, appPassword, ...cluster }
    const survivor = await adopt(server)
    if (survivor) log(`adopted the database server that an earlier daemon left running, process ${survivor}`)
    const watch = new PostgresWatch(survivor ?? (await launch(server)), {
      isThere: (pid) => isServer(pid, server.data),
      raise: async () => (await adopt(server)) ?? launch(server),
      log,
    })
    const stop = async () => {
      await watch.stop()
      await shutDown(watch.pid, server.data)
      await lock.release()
    }
    let stopped: Promise<void> | undefined
    const urlFor = (role: string, password: string) => `postgresql://${role}:${password}@${encodeURIComponent(run)}/${DATABASE}`
    return {
      url: urlFor(DATABASE, server.password),
      appUrl: urlFor(APP_ROLE, server.appPassword),
      adopted: survivor !== undefined,
      stop: () => (stopped ??= stop()),
      tell: () => interrupt(watch.pid, server.data),
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The process of a server that outlived its daemon, if there is one and it runs as this one would. */
async function adopt(server: Server): Promise<number | undefined> {
  const pid = serverPid(server.data)
  if (pid === undefined) return undefined
  const client = await connected(server, () => isServer(pid, server.data))
  if (!client) {
    // Its process is gone, or still to be buried. PostgreSQL looks at the id alone, and would not start while anything has it.
    for (const left of [path.join(server.data, 'postmaster.pid'), path.join(server.run, '.s.PGSQL.5432.lock')]) {
      await rm(left, { force: true })
    }
    return undefined
  }
  const fsync = await settle(client, server)
  if (!isServer(pid, server.data)) {
    throw new BrokerError('conflict', `the database server in ${server.home} runs, but this daemon cannot see its process`, {
      fix: 'stop it; it may run in another container that shares the folder',
    })
  }
  if (fsync === server.fsync) return pid
  await shutDown(pid, server.data)
  return undefined
}

async function launch(server: Server): Promise<number> {
  const logFile = path.join(server.home, 'postgres.log')
  if (existsSync(logFile)) await rename(logFile, `${logFile}.1`)
  for (let left = LAUNCHES; ; left--) {
    try {
      return await launchOnce(server, logFile)
    } catch (error) {
      // Queries of a server that was killed run on until they next look up, and PostgreSQL does not start beside them.
      if (left === 0 || !(error instanceof BrokerError && error.message.includes('pre-existing shared memory'))) throw error
      await pause(PAUSE_MS * 10)
    }
  }
}

async function launchOnce(server: Server, logFile: string): Promise<number> {
  const output = await open(logFile, 'a', 0o600)
  const child = spawn(path.join(server.bin, 'postgres'), serverArguments(server), {
    ...surroundings(server.user),
    // of its own process group: a terminal's ctrl-c is for the daemon, which stops the server last
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  })
  child.unref()
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const isAlive = () => failure === undefined && child.exitCode === null && child.signalCode === null
  try {
    const client = await connected(server, isAlive)
    if (client) {
      await settle(client, server)
      return child.pid!
    }
  } catch (error) {
    failure = error as Error
    child.kill('SIGINT')
  } finally {
    await output.close()
  }
  const lines = lastLines(await readFile(logFile, 'utf8'))
  throw new BrokerError('unavailable', `the embedded database did not start: ${failure?.message ?? lines}`, {
    cause: failure,
    fix: `read ${logFile}, or set DATABASE_URL to a PostgreSQL of your own`,
  })
}

function serverArguments({ data, run, fsync, connections }: Server): string[] {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: run,
    unix_socket_permissions: '0700',
    max_connections: connections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** A connection as soon as the server takes one; undefined when the server is not there any more. */
async function connected({ run, password }: Server, isThere: () => boolean): Promise<pg.Client | undefined> {
  for (let unanswered = 0; unanswered < PAUSES_WITHOUT_ANSWER; unanswered++) {
    const client = new pg.Client({ host: run, user: DATABASE, password, database: 'postgres' })
    client.on('error', () => {}) // statements report it
    try {
      await client.connect()
      return client
    } catch (error) {
      const { code = '' } = error as { code?: string }
      // 57P03: starting, recovering or shutting down, which may take its time
      if (code === '57P03') unanswered = 0
      if (code !== '57P03' && error instanceof pg.DatabaseError) throw error
    }
    if (!isThere()) return undefined
    await pause(PAUSE_MS)
  }
  throw new BrokerError('unavailable', `the database server runs, but nothing answers at its socket in ${run}`, {
    fix: 'stop the process postgres that uses the folder, and start the broker again',
  })
}

/** Makes the broker's database and the role it works as if they are missing, and tells whether the server writes through to the disk. */
async function settle(client: pg.Client, { appPassword }: Server): Promise<boolean> {
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
    const role = await client.query('select from pg_roles where rolname = $1', [APP_ROLE])
    if (role.rowCount === 0) await client.query(`create role ${APP_ROLE}`)
    await client.query(`alter role ${APP_ROLE} login nosuperuser nocreatedb nocreaterole password '${appPassword}'`)
    const { rows } = await client.query<{ fsync: string }>('show fsync')
    return rows[0]?.fsync === 'on'
  } finally {
    await client.end()
  }
}

function interrupt(pid: number, data: string): void {
  if (isServer(pid, data)) process.kill(pid, 'SIGINT')
}

async function shutDown(pid: number, data: string): Promise<void> {
  interrupt(pid, data)
  while (isServer(pid, data)) await pause(PAUSE_MS)
}
