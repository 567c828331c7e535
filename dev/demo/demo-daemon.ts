import { type ChildProcess, execFile } from 'node:child_process'
import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { ended, spawnLeashed } from '../vault/vault-leash.ts'

const run = promisify(execFile)
// demo only ever runs compiled, as dist/dev/demo/demo.js
const MAIN = path.resolve(import.meta.dirname, '../../src/main.js')
const CLI = path.resolve(import.meta.dirname, '../../../bin/latchkey.mjs')

export interface DemoDaemon {
  readonly url: string
  /** of the first admin, from `latchkey bootstrap` */
  readonly adminToken: string
  /** what it logged that was wrong, and what it said when it ended */
  complaints(): string
  /** as a power cut would: nothing is put in order */
  kill(): Promise<void>
  /** at the same address and with the same state */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The real daemon with its own PostgreSQL, as a process of its own in a temporary state folder. */
export async function startDaemon(port: number, settings: Readonly<Record<string, string>>): Promise<DemoDaemon> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-demo-'))
  await chmod(dir, 0o711) // started by root, the database runs as somebody else, who has to walk through
  const env = {
    ...withoutSettings(process.env),
    LATCHKEY_STATE_DIR: dir,
    LATCHKEY_PORT: String(port),
    LATCHKEY_LOG_LEVEL: 'error',
    ...settings,
  }
  let child: ChildProcess | undefined
  const said: string[] = []
  const start = () => {
    child = spawnLeashed(process.execPath, ['--enable-source-maps', MAIN], { env, output: 'pipe', folder: dir })
    return listening(child, said)
  }
  const end = async (signal: NodeJS.Signals) => {
    child?.kill(signal)
    if (child) await ended(child)
    return child?.exitCode === 0
  }
  const stop = async () => {
    try {
      // One that did not end in order left its database running.
      if (!(await end('SIGTERM'))) await (await startEmbeddedPostgres({ dir })).stop()
    } finally {
      await removeState(dir)
    }
  }
  try {
    const url = await start()
    const { stdout } = await run(process.execPath, [CLI, 'bootstrap'], { env })
    const restart = async () => void (await start())
    return {
      url,
      adminToken: stdout.trim(),
      complaints: () => said.join(''),
      kill: async () => void (await end('SIGKILL')),
      restart,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

// What this shell says about a broker of its owner's is not for the demo's.
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'DATABASE_URL' && !name.startsWith('LATCHKEY_')))
}

function listening(child: ChildProcess, said: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said.push(String(chunk))
      const url = /Latchkey listens at (\S+)/.exec(String(chunk))?.[1]
      if (url) resolve(url)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`the daemon ended before it listened:\n${said.join('')}`)))
  })
}

/** With what a deep or closed temporary folder made the database keep elsewhere. */
export async function removeState(dir: string): Promise<void> {
  const elsewhere = await readlink(path.join(dir, 'elsewhere')).catch(() => undefined)
  for (const home of [elsewhere, dir]) {
    if (home === undefined) continue
    const sockets = await readlink(path.join(home, 'run')).catch(() => undefined)
    for (const folder of [sockets, home])
      if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
