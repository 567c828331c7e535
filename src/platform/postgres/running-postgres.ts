import { readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { postgresUser } from './os-user.ts'
import { DATABASE } from './postgres-cluster.ts'
import { postgresFolder } from './postgres-folder.ts'

/** Where the database of a running daemon answers, for a command that works beside it; undefined when none runs there. */
export async function runningPostgres(dir: string): Promise<string | undefined> {
  const { home, run } = await postgresFolder(path.resolve(dir), postgresUser(), () => {})
  try {
    const password = await readFile(path.join(home, 'cluster', 'password'), 'utf8')
    const url = `postgresql://${DATABASE}:${password}@${encodeURIComponent(run)}/${DATABASE}`
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {}) // statements report it
    await client.connect()
    await client.end()
    return url
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
