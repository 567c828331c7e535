import { readFile } from 'node:fs/promises'
import type { VaultServer } from '../../dev/vault/vault-server.ts'
import { setUpVault } from '../../dev/vault/vault-setup.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type VaultConfig, vaultConfig } from '../../plugins/vault/config.ts'
import { connectVault, type VaultConnection } from '../../plugins/vault/connection.ts'
import { minimumPolicy } from '../../plugins/vault/minimum-policy.ts'
import type { Host, Secret } from '../../src/sdk/index.ts'
import { processState } from './child-process.ts'

export interface PreparedVault {
  readonly server: VaultServer
  readonly approle: { readonly method: 'approle'; readonly roleId: string; readonly secretId: string }
}

/** A server on which an administrator followed the guide for `settings`. */
export async function prepared(server: VaultServer, settings: Record<string, unknown> = {}): Promise<PreparedVault> {
  const config = configFor(server.address, { auth: { method: 'token', token: 'nobody’s' }, ...settings })
  const { roleId, secretId } = await setUpVault(server, { policy: minimumPolicy(config).document, policyName: config.policyName })
  return { server, approle: { method: 'approle', roleId, secretId } }
}

export function configFor(address: string, settings: Record<string, unknown>): VaultConfig {
  return vaultConfig.parse({ address, kvMounts: ['kv'], transitMounts: ['transit'], ...settings })
}

/** A connection with the daemon's half played by memory, and a clock that only the test moves. */
export async function connected(
  address: string,
  settings: Record<string, unknown>,
  memory = new Map<string, Secret>(),
): Promise<{ client: VaultConnection; logged: string[]; memory: Map<string, Secret>; turn(seconds: number): void }> {
  const logged: string[] = []
  let turnedMs = 0
  const host: Host = {
    integrationId: 'int_test',
    version: '0.0.0',
    insecureDevelopment: false,
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    keep: async (name, value) => void memory.set(name, value),
    recall: async (name) => memory.get(name),
    file: (file) => readFile(file, 'utf8'),
  }
  const now = () => performance.now() + turnedMs
  const client = await connectVault(configFor(address, settings), host, { now })
  const turn = (seconds: number) => {
    turnedMs += seconds * 1000
  }
  return { client, logged, memory, turn }
}

/** How often the server was asked for `path` since it started, by its own audit file. */
export async function timesAsked(server: VaultServer, path: string): Promise<number> {
  return (await server.auditLines()).filter((line) => line['type'] === 'request' && line['request']?.path === path).length
}

/** Returns once the server stands still; a signal alone only asks for it. */
export async function paused(server: VaultServer): Promise<void> {
  server.pause()
  await waitFor('the pause', async () => processState(server.pid).startsWith('T'))
}
