import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { migrate } from '../../src/platform/postgres/migrate.ts'
import { type FreshDatabase, within } from './database.ts'

/** A database on a server of its own, which can be taken away and given back. */
export interface OwnDatabase extends FreshDatabase {
  stop(): Promise<void>
  start(): Promise<void>
}

export async function ownDatabase(): Promise<OwnDatabase> {
  const dir = await mkdtemp(path.join(tmpdir(), 'lk-own-'))
  const launch = () => startEmbeddedPostgres({ dir, fsync: false })
  let server = await launch()
  const { url } = server
  await migrate(url)
  return {
    url,
    query: async (statement, values) => (await within(url, (client) => client.query(statement, values))).rows,
    stop: () => server.stop(),
    async start() {
      server = await launch()
    },
    async drop() {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
