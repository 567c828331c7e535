import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { readConfig, urlOf } from './config.ts'
import { lastWords } from './last-words.ts'
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts'
import { openStateFolder } from './platform/state-folder.ts'

try {
  await serve()
} catch (error) {
  fail(error)
}

async function serve(): Promise<void> {
  const config = readConfig(process.env)
  const state = await openStateFolder(config.stateDir, { instance: config.instance, key: config.key })
  const embedded =
    config.database.kind === 'embedded'
      ? await startEmbeddedPostgres({ dir: config.stateDir, fsync: config.database.fsync, log: say })
      : undefined
  try {
    const databaseUrl = embedded?.url ?? (config.database.kind === 'external' ? config.database.url.reveal() : '')
    const app = await createApp({ config, databaseUrl, state })
    stopOnSignal(config.shutdownSeconds, async () => {
      // A half-sent request would hold the server open for ever.
      setTimeout(() => app.getHttpServer().closeAllConnections(), config.shutdownSeconds * 500).unref()
      await app.close()
      await embedded?.stop()
    })
    await app.listen(config.port, config.host)
    const { port } = app.getHttpServer().address() as AddressInfo
    say(`Latchkey listens at ${config.publicUrl ?? urlOf(config.host, port)}`)
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}

/** The first signal lets everything finish, the second does not wait for it. */
function stopOnSignal(seconds: number, stop: () => Promise<void>): void {
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(130)
    isStopping = true
    say(`${signal}: stopping; once more to stop at once`)
    setTimeout(() => process.exit(1), seconds * 1000).unref()
    stop().then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal)
}

function fail(error: unknown): never {
  const { words, exitCode } = lastWords(error)
  say(words)
  process.exit(exitCode)
}

function say(message: string): void {
  process.stderr.write(`${message}\n`)
}
