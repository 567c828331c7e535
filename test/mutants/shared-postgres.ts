import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'

/** One PostgreSQL for every run of tests: starting one takes longer than many a suite. */
export async function startPostgres(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'lk-mutants-'))
  await chmod(dir, 0o711) // as root the database runs as somebody else, who must get there
  const server = await startEmbeddedPostgres({ dir, fsync: false })
  return {
    url: server.url,
    async stop() {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
