import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { misfits, type Recorded } from './recorded.ts'

export const TEMPLATE = 'latchkey_template'

export interface FreshDatabase {
  readonly url: string
  /** one statement, through a connection of its own */
  query<Row extends pg.QueryResultRow>(statement: string, values?: unknown[]): Promise<Row[]>
  drop(): Promise<void>
}

/**
 * A migrated, empty database of the test's own. When it is dropped, every event in it is looked at: whatever was recorded must be as its kind
 * says, unless the test makes up events itself.
 */
export async function freshDatabase({ madeUpEvents = false } = {}): Promise<FreshDatabase> {
  const database = await databaseLike(TEMPLATE)
  if (madeUpEvents) return database
  return {
    ...database,
    drop: async () => {
      const wrong = misfits(await database.query<Recorded>('select kind, actor, subject, body from audit_events order by at, id'))
      await database.drop()
      if (wrong.length > 0) throw new Error(`recorded, and not as its kind says (src/audit/kinds):\n${wrong.join('\n')}`)
    },
  }
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
