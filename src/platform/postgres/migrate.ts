import pg from 'pg'
import { DataSource, QueryFailedError } from 'typeorm'
import { grantToRole } from './app-role.ts'
import { dataSourceOptions, THOROUGH } from './database.ts'
import { REACH } from './database-client.ts'

const MOST_ATTEMPTS = 20
const IN_EACH_OTHERS_WAY = ['40P01', '55P03'] // a deadlock, a lock that was not given in time

/**
 * Brings the schema up to date, as the owner of the tables. Replicas that start together take turns. Returns the names of the migrations it
 * ran. With a role, that one may work on the tables afterwards, and not own them.
 */
export async function migrate(url: string, role?: string): Promise<string[]> {
  // TypeORM takes no lock of its own (its issue tracker knows the race); this one lives as long as its connection.
  const lock = new pg.Client({ ...REACH, connectionString: url, application_name: 'latchkey-migrate' })
  lock.on('error', () => {}) // statements report it
  await lock.connect()
  try {
    await lock.query(`select pg_advisory_lock(hashtext('latchkey:migrations'))`)
    const source = await new DataSource(dataSourceOptions(url, 2, THOROUGH)).initialize()
    try {
      const ran = await besideOthers(() => source.runMigrations())
      if (role !== undefined) await besideOthers(() => source.transaction((tx) => grantToRole(tx, role)))
      return ran.map((migration) => migration.name)
    } finally {
      await source.destroy()
    }
  } finally {
    await lock.end()
  }
}

/** Replicas of the former release go on working, and lock what a migration locks, in another order. What was refused has changed nothing. */
async function besideOthers<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === MOST_ATTEMPTS || !(error instanceof QueryFailedError)) throw error
      if (!IN_EACH_OTHERS_WAY.includes((error.driverError as { code?: string }).code ?? '')) throw error
    }
  }
}
