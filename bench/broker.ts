import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { ended, spawnLeashed } from '../dev/vault/vault-leash.ts'
import { firstAdmin } from '../src/identity/people/first-admin.ts'
import { runningPostgres } from '../src/platform/postgres/running-postgres.ts'
import { Caller } from './caller.ts'

// benches only ever run compiled, as dist/bench/…
const MAIN = path.resolve(import.meta.dirname, '../src/main.js')

export interface Broker {
  readonly admin: Caller
  as(token: string): Caller
  /** its own database, to look at and to backdate */
  readonly database: pg.Pool
  /** of a new, empty database on the same server, for a peer */
  freshDatabase(name: string): Promise<string>
  readonly versions: Readonly<Record<string, string>>
  /** the most memory it ever had, in MiB; undefined where the system does not tell */
  peakMemory(): number | undefined
  /** the processor time it has taken, in milliseconds; undefined where the system does not tell */
  cpuTime(): number | undefined
  stop(): Promise<void>
}

/** The daemon as it is shipped: a process of its own, its embedded PostgreSQL with fsync on, a new state folder. */
export async function startBroker(env: NodeJS.ProcessEnv = {}): Promise<Broker> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-bench-'))
  await chmod(dir, 0o711) // started by root, the database runs as somebody else, who has to walk through
  const own = { PATH: process.env['PATH'], LATCHKEY_STATE_DIR: dir, LATCHKEY_PORT: '0', LATCHKEY_LOG_LEVEL: 'warn', ...env }
  const child = spawnLeashed(process.execPath, [MAIN], { env: own, output: 'pipe' })
  const removeState = async () => {
    const sockets = await readlink(path.join(dir, 'run')).catch(() => undefined)
    for (const folder of [sockets, dir]) if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const url = await listening(child).catch((error: unknown) => removeState().then(() => Promise.reject(error)))
  const databaseUrl = (await runningPostgres(dir)) ?? ''
  const database = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  database.on('error', () => {}) // the server goes first at the end
  const token = await firstAdmin(transactionless(database), { name: 'bench', force: true })
  const everybody = Caller.to(url, {})
  const as = (bearer: string) => everybody.as({ authorization: `Bearer ${bearer}` })
  let stopped: Promise<void> | undefined
  const stop = async () => {
    await everybody.close()
    await database.end()
    child.kill('SIGTERM')
    await ended(child)
    await removeState()
  }
  const { rows } = await database.query<{ server_version: string }>('show server_version')
  return {
    admin: as(token.reveal()),
    as,
    database,
    async freshDatabase(name) {
      await database.query(`drop database if exists ${name} with (force)`)
      await database.query(`create database ${name}`)
      return databaseUrl.replace(/\/[^/]*$/, `/${name}`)
    },
    versions: { PostgreSQL: `${rows[0]?.server_version} (embedded, fsync on)` },
    peakMemory: () => peakOf(child.pid),
    cpuTime: () => cpuOf(child.pid),
    stop: () => (stopped ??= stop()),
  }
}

// Each statement on its own: nobody else makes an admin of this broker.
function transactionless(database: pg.Pool): Parameters<typeof firstAdmin>[0] {
  const query = async (statement: string, values?: unknown[]) => (await database.query(statement, values)).rows
  return { query } as Parameters<typeof firstAdmin>[0]
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (chunk) => process.stderr.write(chunk))
    child.stderr?.on('data', (chunk) => {
      said = (said + String(chunk)).slice(-10_000)
      const url = /Latchkey listens at (\S+)/.exec(said)?.[1]
      if (url) resolve(url)
    })
    child.once('exit', () => reject(new Error(`the daemon ended:\n${said}`)))
  })
}

function peakOf(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux' || pid === undefined) return undefined
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}

// The kernel counts in hundredths of a second: 14 is in the program, 15 in the kernel for it.
function cpuOf(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux' || pid === undefined) return undefined
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}
