import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { ConfigError, readConfig, urlOf } from './config.ts'
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts'
import { openStateFolder } from './platform/state-folder.ts'
import { BrokerError } from './sdk/index.ts'

try {
  await serve()
} catch (error) {
  process.stderr.write(`${lastWords(error)}\n`)
  process.exit(error instanceof ConfigError ? 78 : 1)
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
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${lastWords(error)}\n`)
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal)
}

function lastWords(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof BrokerError) return [error.message, error.fix].filter(Boolean).join('\n  ')
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function say(message: string): void {
  process.stderr.write(`${message}\n`)
}
