import type { ServerBinary } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { setUpVault } from '../../../dev/vault/vault-setup.ts'
import type { VaultClient } from '../../../plugins/vault/client.ts'
import { vaultConfig } from '../../../plugins/vault/config.ts'
import { connectVault } from '../../../plugins/vault/connection.ts'
import { minimumPolicy } from '../../../plugins/vault/minimum-policy.ts'
import { newId } from '../../../src/platform/ids.ts'
import type { GrantInput, Host, RunContext } from '../../../src/sdk/index.ts'

export const INSTANCE = '4711081542'

export interface VaultWorld {
  readonly server: VaultServer
  readonly api: VaultServer['api']
  /** connected as the broker, with its minimum policy and nothing more */
  readonly client: VaultClient
  run(options?: { until?: Date; runId?: string }): RunContext<VaultClient>
  stop(): Promise<void>
}

/** A real server, prepared as the administrator's guide says, and the broker's connection to it. */
export async function vaultWorld(settings: Record<string, unknown> = {}, binary?: ServerBinary): Promise<VaultWorld> {
  const server = await startVaultServer({ binary })
  const { api, address } = server
  const common = { address, kvMounts: ['kv'], transitMounts: ['transit'], ...settings }
  const draft = vaultConfig.parse({ ...common, auth: { method: 'token', token: 'not yet' } })
  const { roleId, secretId } = await setUpVault(server, { policy: minimumPolicy(draft).document })
  const config = vaultConfig.parse({ ...common, auth: { method: 'approle', roleId, secretId } })
  const client = await connectVault(config, host())
  return {
    server,
    api,
    client,
    run: ({ until = inMinutes(30), runId = newId('run') } = {}) => ({
      client,
      runId,
      instance: INSTANCE,
      until,
      msLeft: () => until.getTime() - Date.now(),
      signal: new AbortController().signal,
      stillMine: () => {},
    }),
    stop: async () => {
      await client.close()
      await server.stop()
    },
  }
}

export function inMinutes(minutes: number): Date {
  return new Date(Date.now() + minutes * 60_000)
}

export function secretAt(path: string, ...permissions: string[]): GrantInput['resources'][number] {
  return { type: 'vault-kv-secret', name: `kv/${path}`, attributes: { mount: 'kv', path }, permissions }
}

export function keyNamed(path: string, ...permissions: string[]): GrantInput['resources'][number] {
  return { type: 'vault-transit-key', name: `transit/${path}`, attributes: { mount: 'transit', path }, permissions }
}

export function host(): Host {
  const kept = new Map<string, Parameters<Host['keep']>[1]>()
  return {
    integrationId: 'int_test',
    version: '0.0.0',
    insecureDevelopment: true,
    log: () => {},
    keep: async (name, value) => void kept.set(name, value),
    recall: async (name) => kept.get(name),
    file: async () => undefined,
  }
}
