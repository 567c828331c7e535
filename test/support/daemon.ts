import type { ChildProcess } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Agent } from 'undici'
import { freePort } from '../../dev/vault/free-port.ts'
import { ended, spawnLeashed } from '../../dev/vault/vault-leash.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { firstAdmin } from '../../src/identity/people/first-admin.ts'
import { Api } from './api.ts'
import { type FreshDatabase, freshDatabase, within } from './database.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const DIST = path.join(ROOT, process.env['DAEMON_DIST'] ?? 'dist')

/** The daemon as it is shipped, or all its modules in one file, where that is of the same build: it is ready with half the work. */
const MODULES = path.join(DIST, 'src/main.js')
const BUNDLE = path.join(DIST, 'src/daemon.mjs')
const writtenAt = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
const PROGRAM = writtenAt(BUNDLE) > writtenAt(path.join(DIST, '.built')) ? BUNDLE : MODULES

export interface DaemonOptions {
  /** a database to go on with; it outlives the daemon */
  readonly database?: FreshDatabase
  /** how the daemon reaches the database, when not directly */
  readonly databaseUrl?: string
  /** another daemon whose replica this one is: same database, key and admin */
  readonly beside?: Daemon
  readonly env?: NodeJS.ProcessEnv
  /** a compiled daemon of another release; it and a token for its admin are up to the caller */
  readonly former?: { readonly program: string; readonly adminToken: string }
}

/** The compiled daemon as a process of its own, to be killed and paused like one. */
export interface Daemon {
  readonly url: string
  readonly pid: number
  readonly database: FreshDatabase
  readonly env: NodeJS.ProcessEnv
  /** calls as an admin */
  readonly admin: Api
  readonly adminToken: string
  api(token?: string): Api
  /** everything said so far, by every process there was */
  log(): string
  /** SIGKILL, sent before this returns; resolves when the process is gone */
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** again, at the same port and with the same database */
  start(): Promise<void>
  close(): Promise<void>
}

export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const { beside, former } = options
  const program = former?.program ?? PROGRAM
  if (!existsSync(program)) throw new Error(`${program} is not there: npm test builds it first, as does npm run build`)
  const database = options.database ?? beside?.database ?? (await freshDatabase())
  const dir = await mkdtemp(path.join(tmpdir(), 'lk-daemon-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env: NodeJS.ProcessEnv = {
    LATCHKEY_KEY: randomBytes(32).toString('base64'),
    LATCHKEY_INSTANCE: String(randomInt(1_000_000_000, 10_000_000_000)),
    LATCHKEY_POOL_SIZE: '5',
    ...beside?.env,
    PATH: process.env['PATH'],
    // Of all daemons of a run only the first compiles.
    NODE_COMPILE_CACHE: path.join(ROOT, 'node_modules/.cache/daemon'),
    DATABASE_URL: options.databaseUrl ?? beside?.env['DATABASE_URL'] ?? database.url,
    LATCHKEY_STATE_DIR: dir,
    LATCHKEY_PORT: String(port),
    ...options.env,
  }
  const log: string[] = []
  let child: ChildProcess

  async function start(): Promise<void> {
    child = spawnLeashed(process.execPath, [program], { cwd: dir, env, output: 'pipe' })
    for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk) => void log.push(String(chunk)))
    const started = child
    const said = log.length
    await waitFor('the daemon to be ready', async () => {
      if (started.exitCode !== null || started.signalCode !== null)
        throw new Error(`the daemon ended: ${log.slice(-20).join('')}`)
      // By its own word first: what answers at its port may be the daemon of somebody who was quicker.
      if (!log.slice(said).join('').includes('listens at')) return false
      const answer = await fetch(`${url}/readyz`).catch(() => undefined)
      await answer?.arrayBuffer()
      return answer?.status === 200
    })
  }

  function kill(): Promise<void> {
    child.kill('SIGKILL')
    return ended(child)
  }

  await start()
  // A connection of its own for each call: the daemon at the other end dies at will.
  const agent = new Agent({ pipelining: 0, allowH2: false })
  const adminToken = former?.adminToken ?? beside?.adminToken ?? (await admit(database))
  const api = (token?: string) => new Api(url, agent, token)
  return {
    url,
    get pid() {
      return child.pid ?? 0
    },
    database,
    env,
    admin: api(adminToken),
    adminToken,
    api,
    log: () => log.join(''),
    kill,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    start,
    async close() {
      await kill()
      await agent.destroy()
      await rm(dir, { recursive: true, force: true })
      if (!options.database && !beside) await database.drop()
    },
  }
}

async function admit(database: FreshDatabase): Promise<string> {
  const name = `admin ${randomBytes(3).toString('hex')}`
  return within(database.url, async (client) => {
    const tx = { query: async (statement: string, values?: unknown[]) => (await client.query(statement, values)).rows }
    return (await firstAdmin(tx as Parameters<typeof firstAdmin>[0], { name, force: true })).reveal()
  })
}
