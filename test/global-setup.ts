import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type pg from 'pg'
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
  const shared = process.env['LATCHKEY_TEST_POSTGRES']
  if (shared) {
    await prepare(shared)
    project.provide('databaseUrl', shared)
    return async () => {}
  }
  const dir = await mkdtemp(path.join(tmpdir(), 'lk-test-'))
  await chmod(dir, 0o711) // as root the database runs as somebody else, who must get there
  // Stories of several replicas run at once, and each daemon keeps connections of its own.
  const server = await startEmbeddedPostgres({ dir, fsync: false, connections: 1000 })
  await prepare(server.url)
  project.provide('databaseUrl', server.url)
  return async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Of several runs that share a server only the first has anything to do. */
async function prepare(url: string): Promise<void> {
  await within(url, async (client) => {
    await client.query(`select pg_advisory_lock(hashtext('${TEMPLATE}'))`)
    if (await isThere(client)) return
    const unfinished = `${TEMPLATE}_unfinished`
    await client.query(`drop database if exists ${unfinished}`)
    await client.query(`create database ${unfinished}`)
    await migrate(withDatabase(url, unfinished))
    await client.query(`alter database ${unfinished} rename to ${TEMPLATE}`)
  })
}

async function isThere(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE])
  return rowCount === 1
}
