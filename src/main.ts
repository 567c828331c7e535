import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { createApp } from './app.ts'
import { type Config } from './config/config.ts'
import { readConfig, urlOf } from './config/read-config.ts'
import { lastWords } from './last-words.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import { openStateFolder } from './platform/installation/state-folder.ts'
import { onStopSignals } from './platform/installation/stop-signals.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './platform/postgres/embedded-postgres.ts'

/** Where `npm run build` puts the portal beside us. */
const PORTAL = path.resolve(import.meta.dirname, '../portal')
/** Requests that are not whole may take this long once the daemon stops. */
const HALF_SENT_MS = 5_000
/** The database may take this long after everything else took too long. */
const LAST_MS = 5_000

try {
  await serve()
} catch (error) {
  fail(error)
}

async function serve(): Promise<void> {
  const config = readConfig(process.env)
  const state = await openStateFolder(config.stateDir, {
    instance: config.instance,
    key: config.key,
    formerKeys: config.formerKeys,
    nextKeys: config.nextKeys,
  })
  const embedded =
    config.database.kind === 'embedded'
      ? await startEmbeddedPostgres({ dir: config.stateDir, fsync: config.database.fsync, log: say })
      : undefined
  try {
    const app = await createApp({ config, ...urlsOf(config, embedded), state, portal: PORTAL })
    stopOnSignal(config.shutdownSeconds, {
      stop: async () => {
        // A half-sent request would hold the server open for ever.
        const server = app.getHttpAdapter() as unknown as HttpServer
        setTimeout(() => server.closeIdle(), Math.min(HALF_SENT_MS, config.shutdownSeconds * 500)).unref()
        await app.close()
        await embedded?.stop()
      },
      late: async () => embedded?.stop(),
      atOnce: () => embedded?.tell(),
    })
    await app.listen(config.port, config.host)
    const { port } = app.getHttpServer().address() as AddressInfo
    say(`Latchkey listens at ${config.publicUrl ?? urlOf(config.host, port)}`)
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}

function urlsOf(
  { database }: Config,
  embedded: EmbeddedPostgres | undefined,
): { databaseUrl: string; ownerUrl?: string | undefined } {
  if (embedded) return { databaseUrl: embedded.appUrl, ownerUrl: embedded.url }
  if (database.kind === 'embedded') throw new TypeError('the embedded database was not started')
  return { databaseUrl: database.url.reveal(), ownerUrl: database.ownerUrl?.reveal() }
}

interface Ends {
  stop(): Promise<void>
  /** what must be done although the time is up */
  late(): Promise<void>
  /** the same for somebody who does not wait at all */
  atOnce(): void
}

/** The first signal lets everything finish, the second does not wait for it. The database of our own is stopped in any case. */
function stopOnSignal(seconds: number, { stop, late, atOnce }: Ends): void {
  const first = (signal: NodeJS.Signals) => {
    say(`${signal}: stopping; once more to stop at once`)
    setTimeout(() => {
      say('the time to stop is up')
      setTimeout(() => process.exit(1), LAST_MS).unref()
      void late().finally(() => process.exit(1))
    }, seconds * 1000).unref()
    stop().then(() => process.exit(0), fail)
  }
  const again = () => {
    atOnce()
    process.exit(130)
  }
  onStopSignals(['SIGTERM', 'SIGINT'], { first, again })
}

function fail(error: unknown): never {
  const { words, exitCode } = lastWords(error)
  say(words)
  process.exit(exitCode)
}

function say(message: string): void {
  process.stderr.write(`${message}\n`)
}
