import { afterAll, beforeAll } from 'vitest'
import type { ServerBinary } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import type { VaultCall } from '../../../vault/index.ts'
import { type PreparedVault, prepared } from '../../support/vault-broker.ts'

/** A call that a server answers whatever is in it. */
export const NAMES: VaultCall = { method: 'GET', path: ['kv/metadata'], list: true, accept: [404], repeatable: true }

/** A server for the tests of a block, with a login for the broker. `into` puts both where they find them. */
export function serverHere(binary: ServerBinary, into: (server: VaultServer, approle: PreparedVault['approle']) => void): void {
  let server: VaultServer | undefined
  beforeAll(async () => {
    server = await startVaultServer({ binary })
    into(server, (await prepared(server)).approle)
  })
  afterAll(() => server?.stop())
}
