import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded-postgres.ts'
import { migrate } from '../src/platform/postgres/migrate.ts'
import { TEMPLATE, withDatabase, within } from './support/database.ts'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
  }
}

/** One PostgreSQL for all files of a run. Each test file gets databases of its own, copied from one that is migrated here. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(path.join(tmpdir(), 'lk-test-'))
  await chmod(dir, 0o711) // as root the database runs as somebody else, who must get there
  const server = await startEmbeddedPostgres({ dir, fsync: false })
  await within(server.url, (client) => client.query(`create database ${TEMPLATE}`))
  await migrate(withDatabase(server.url, TEMPLATE))
  project.provide('databaseUrl', server.url)
  return async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
