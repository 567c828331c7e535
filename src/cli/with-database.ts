import { DataSource } from 'typeorm'
import { type Config } from '../config/config.ts'
import { readConfig } from '../config/read-config.ts'
import { installationIn, mustHoldCluster } from '../platform/installation/found-installation.ts'
import { Database, dataSourceOptions, THOROUGH } from '../platform/postgres/database.ts'
import { startEmbeddedPostgres } from '../platform/postgres/embedded-postgres.ts'
import { runningPostgres } from '../platform/postgres/running-postgres.ts'
import { BrokerError } from '../sdk/index.ts'
import type { Terminal } from './terminal.ts'

export interface Needs {
  /** the work is done on the schema of this version; what only reads the trail takes any */
  readonly schema?: boolean
}

/**
 * Works on the database of an installation that is there already, beside a daemon or without one: for what only somebody may do who can read
 * the daemon's files. Makes nothing, migrates nothing, and says which installation it is. An embedded server that was not running stops again.
 */
export async function withDatabase<T>(
  { env, tell }: Pick<Terminal, 'env' | 'tell'>,
  { schema = false }: Needs,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const { url, place, leave } = await reach(readConfig(env))
  try {
    const source = await new DataSource(dataSourceOptions(url, 2, THOROUGH)).initialize()
    try {
      const database = new Database(source)
      tell(`Installation ${await installationIn(database.pool, place)}, ${place}`)
      if (schema && (await source.showMigrations())) throw older(place)
      return await work(database)
    } finally {
      await source.destroy()
    }
  } finally {
    await leave()
  }
}

async function reach({ database, stateDir }: Config): Promise<{ url: string; place: string; leave: () => Promise<void> }> {
  const stay = async () => {}
  if (database.kind === 'external') {
    const url = database.url.reveal()
    const { host, pathname } = new URL(url)
    return { url, place: `the database ${decodeURIComponent(host)}${pathname}`, leave: stay }
  }
  await mustHoldCluster(stateDir)
  const place = `the folder ${stateDir}`
  const running = await runningPostgres(stateDir)
  if (running !== undefined) return { url: running, place, leave: stay }
  const started = await startEmbeddedPostgres({ dir: stateDir, fsync: database.fsync })
  return { url: started.url, place, leave: started.stop }
}

function older(place: string): BrokerError {
  return new BrokerError('conflict', `the database of ${place} is older than this command`, {
    fix: 'start the daemon of this version once; it updates the database',
  })
}
