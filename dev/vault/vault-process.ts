import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { BrokerError } from '../../src/sdk/errors.ts'
import type { ServerBinary } from './vault-binary.ts'
import { files, type ServerPlan, serverConfig } from './vault-config.ts'
import { ended, spawnLeashed } from './vault-leash.ts'
import { waitFor } from './vault-wait.ts'

/** Starts the server and returns when it listens, still sealed; undefined when somebody else has its port. */
export async function startProcess(
  binary: ServerBinary,
  plan: ServerPlan,
  logLevel: string,
  scrap?: string,
): Promise<ChildProcess | undefined> {
  const at = files(plan.folder)
  await writeFile(at.config, serverConfig(plan))
  const log = openSync(at.log, 'w')
  const server = spawnLeashed(binary.path, ['server', `-config=${at.config}`, `-log-level=${logLevel}`], {
    output: log,
    folder: scrap,
  })
  closeSync(log)
  try {
    const state = await waitFor(`${binary.product} to listen`, async () => {
      if (hasEnded(server)) return 'ended'
      // By its own word: what answers at its port may be the server of somebody who was quicker.
      return readFileSync(at.log, 'utf8').includes('server started!') && 'listening'
    })
    if (state === 'listening') return server
  } catch (error) {
    await endProcess(server, 'SIGKILL')
    throw error
  }
  const complaint = complaints(plan.folder)
  if (complaint.includes('address already in use')) return undefined
  throw new BrokerError('unavailable', `${binary.path} ended before it listened: ${complaint}`, {
    fix: 'try it with VAULT_BIN or BAO_BIN set to another server',
  })
}

export function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null
}

/** Signals the server and waits for its end; one that does not go in 10 s is killed. */
export async function endProcess(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  server.kill(signal)
  server.kill('SIGCONT') // a paused one would not hear it
  const timer = setTimeout(() => server.kill('SIGKILL'), 10_000)
  await ended(server)
  clearTimeout(timer)
}

/** What the server's log says went wrong, and nothing else of it. */
export function complaints(folder: string): string {
  const lines = readFileSync(files(folder).log, 'utf8').split('\n')
  return lines
    .filter((line) => /error|\[WARN\]|already in use/i.test(line))
    .slice(-5)
    .join('\n')
}
