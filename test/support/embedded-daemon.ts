import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Agent } from 'undici'
import { runningPostgres } from '../../src/platform/postgres/running-postgres.ts'
import { Api } from './api.ts'
import { type FreshDatabase, within } from './database.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

export interface EmbeddedDaemon {
  readonly child: ChildProcess
  readonly url: string
  readonly api: (token?: string) => Api
  /** everything it said to its operator */
  said(): string
  /** its log */
  logged(): string
}

/** Compiled daemons one after another on an embedded database in one state folder. */
export class EmbeddedHome {
  private readonly agent = new Agent({ pipelining: 0 })
  private readonly running = new Set<ChildProcess>()

  private constructor(readonly dir: string) {}

  static async make(): Promise<EmbeddedHome> {
    const dir = await mkdtemp(path.join(tmpdir(), 'lk-home-'))
    await chmod(dir, 0o711) // as root the database runs as somebody else, who must get there
    return new EmbeddedHome(dir)
  }

  environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      LATCHKEY_STATE_DIR: this.dir,
      LATCHKEY_PORT: '0',
      LATCHKEY_DEVELOPMENT: 'true',
      LATCHKEY_FSYNC: 'off',
      LATCHKEY_SHUTDOWN_SECONDS: '4',
      ...more,
    }
  }

  async start(more: NodeJS.ProcessEnv = {}): Promise<EmbeddedDaemon> {
    const child = spawn(process.execPath, ['dist/src/main.js'], {
      cwd: ROOT,
      env: this.environment(more),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines: string[] = []
    child.stdout.on('data', (chunk) => void lines.push(String(chunk)))
    this.running.add(child)
    child.once('exit', () => this.running.delete(child))
    let said = ''
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', () => reject(new Error(said)))
      child.stderr!.on('data', (chunk) => {
        said += String(chunk)
        const found = /listens at (\S+)/.exec(said)?.[1]
        if (found) resolve(found)
      })
    })
    return { child, url, api: (token) => new Api(url, this.agent, token), said: () => said, logged: () => lines.join('') }
  }

  /** The command line, beside a daemon or without one: its exit code and what it printed and told. */
  async run(words: readonly string[], more: NodeJS.ProcessEnv & { readonly cwd?: string } = {}) {
    const { cwd = ROOT, ...env } = more
    const child = spawn(process.execPath, [path.join(ROOT, 'bin/latchkey.mjs'), ...words], {
      cwd,
      env: this.environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed: string[] = []
    const told: string[] = []
    child.stdout.on('data', (chunk) => printed.push(String(chunk)))
    child.stderr.on('data', (chunk) => told.push(String(chunk)))
    const [code] = await once(child, 'close')
    return { code: Number(code), printed: printed.join('').trim(), told: told.join('').trim() }
  }

  /** The database of the daemon that runs. */
  async database(): Promise<FreshDatabase> {
    const url = (await runningPostgres(this.dir)) ?? ''
    return {
      url,
      query: async (statement, values) => (await within(url, (client) => client.query(statement, values))).rows,
      drop: async () => {},
    }
  }

  async bootstrap(...options: string[]): Promise<string> {
    const { code, printed, told } = await this.run(['bootstrap', ...options])
    if (code !== 0) throw new Error(told)
    return printed
  }

  async stopAll(): Promise<void> {
    for (const child of this.running) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }

  async remove(): Promise<void> {
    await this.stopAll()
    await this.agent.destroy()
    await rm(this.dir, { recursive: true, force: true })
  }
}
