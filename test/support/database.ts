import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export const TEMPLATE = 'latchkey_template'

export interface FreshDatabase {
  readonly url: string
  /** one statement, through a connection of its own */
  query<Row extends pg.QueryResultRow>(statement: string, values?: unknown[]): Promise<Row[]>
  drop(): Promise<void>
}

/** A migrated, empty database of the test's own. */
export function freshDatabase(): Promise<FreshDatabase> {
  return databaseLike(TEMPLATE)
}

/** One that no daemon has ever seen. */
export function emptyDatabase(): Promise<FreshDatabase> {
  return databaseLike('template1')
}

async function databaseLike(template: string): Promise<FreshDatabase> {
  const server = inject('databaseUrl')
  const name = `lk_${randomBytes(6).toString('hex')}`
  await within(server, (client) => client.query(`create database ${name} template ${template}`))
  const url = withDatabase(server, name)
  return {
    url,
    query: async (statement, values) => (await within(url, (client) => client.query(statement, values))).rows,
    drop: async () => {
      await within(server, (client) => client.query(`drop database ${name} with (force)`))
    },
  }
}

export function withDatabase(url: string, name: string): string {
  return url.replace(/\/[^/]*$/, `/${name}`)
}

export async function within<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // its server may be stopped under it: who asks something then is told
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
