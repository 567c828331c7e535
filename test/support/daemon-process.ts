import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import type { OsUser } from '../../src/platform/postgres/os-user.ts'

/** A process that starts the database and then does nothing, like a daemon without work. */
export function daemonOn(dir: string, { fsync = false, ...user }: OsUser & { fsync?: boolean } = {}): ChildProcess {
  const module = path.resolve(import.meta.dirname, '../../src/platform/postgres/embedded-postgres.ts')
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(module)}
    const { url } = await startEmbeddedPostgres({ dir: ${JSON.stringify(dir)}, fsync: ${fsync} })
    console.log(url)
    setInterval(() => {}, 1000)`
  const options = { ...user, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'] }
  return spawn(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script], options)
}

export async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** What a daemon says first. */
export async function urlOf(daemon: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface(daemon.stdout!), 'line')) as [string]
  return line
}

export async function killed(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  const exit = once(daemon, 'exit')
  daemon.kill('SIGKILL')
  await exit
}
