import pg from 'pg'
import { DataSource } from 'typeorm'
import { grantToRole } from './app-role.ts'
import { dataSourceOptions, THOROUGH } from './database.ts'
import { REACH } from './database-client.ts'

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
      const ran = await source.runMigrations()
      if (role !== undefined) await source.transaction((tx) => grantToRole(tx, role))
      return ran.map((migration) => migration.name)
    } finally {
      await source.destroy()
    }
  } finally {
    await lock.end()
  }
}
