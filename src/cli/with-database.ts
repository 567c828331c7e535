import { DataSource } from 'typeorm'
import { type Config, readConfig } from '../config.ts'
import { Database, dataSourceOptions, THOROUGH } from '../platform/database.ts'
import { startEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import { migrate } from '../platform/migrate.ts'
import { runningPostgres } from '../platform/running-postgres.ts'

/**
 * Works on the database of this installation, beside a daemon or without one: for what only somebody may do who can read the daemon's
 * files. An embedded server that was not running stops again.
 */
export async function withDatabase<T>(env: NodeJS.ProcessEnv, work: (database: Database) => Promise<T>): Promise<T> {
  const { url, leave } = await reach(readConfig(env))
  try {
    await migrate(url)
    const source = await new DataSource(dataSourceOptions(url, 2, THOROUGH)).initialize()
    try {
      return await work(new Database(source))
    } finally {
      await source.destroy()
    }
  } finally {
    await leave()
  }
}

async function reach({ database, stateDir }: Config): Promise<{ url: string; leave: () => Promise<void> }> {
  const stay = async () => {}
  if (database.kind === 'external') return { url: database.url.reveal(), leave: stay }
  const running = await runningPostgres(stateDir)
  if (running !== undefined) return { url: running, leave: stay }
  const started = await startEmbeddedPostgres({ dir: stateDir, fsync: database.fsync })
  return { url: started.url, leave: started.stop }
}
