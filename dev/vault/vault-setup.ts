import type { VaultApi } from './vault-api.ts'
import { expectOk } from './vault-initialise.ts'
import type { VaultServer } from './vault-server.ts'
import { waitFor } from './vault-wait.ts'

export interface VaultSetup {
  /** the broker's own Vault policy, as a document */
  readonly policy: string
  /** its name; outside the prefix of the names the broker may write */
  readonly policyName?: string
  /** the name of its AppRole */
  readonly role?: string
}

const BROKER_ROLE = {
  token_ttl: '60m',
  token_max_ttl: '4h',
  token_no_default_policy: true,
}

/** Does what the administrator's guide asks for, as root, and returns the broker's AppRole login. Bears repetition. */
export async function setUpVault(
  server: Pick<VaultServer, 'api'>,
  setup: VaultSetup,
): Promise<{ roleId: string; secretId: string }> {
  const { api } = server
  const policyName = setup.policyName ?? 'latchkey-broker'
  await mount(api, 'sys/auth', 'approle', { type: 'approle' })
  await mount(api, 'sys/auth', 'apono', { type: 'userpass' })
  const tuned = await api('POST', 'sys/auth/apono/tune', { user_lockout_config: { lockout_disable: true } })
  expectOk(tuned, 'switch the lock-out of temporary users off')
  await mount(api, 'sys/mounts', 'kv', { type: 'kv', options: { version: '2' } })
  await mount(api, 'sys/mounts', 'transit', { type: 'transit' })
  await keyValueReady(api, 'kv')
  const header = 'sys/config/auditing/request-headers/x-correlation-id'
  expectOk(await api('PUT', header, { hmac: false }), 'have the broker’s request ids audited')
  expectOk(await api('PUT', `sys/policies/acl/${policyName}`, { policy: setup.policy }), `write the policy ${policyName}`)
  const role = `auth/approle/role/${setup.role ?? 'latchkey'}`
  expectOk(await api('POST', role, { ...BROKER_ROLE, token_policies: [policyName] }), 'create the AppRole')
  const roleId: string = expectOk(await api('GET', `${role}/role-id`), 'tell the role id').body.data.role_id
  const secretId: string = expectOk(await api('POST', `${role}/secret-id`), 'make a secret id').body.data.secret_id
  return { roleId, secretId }
}

/** A new KV v2 mount answers 400 "Upgrading from non-versioned" until it has laid out its storage. */
export async function keyValueReady(api: VaultApi, at: string): Promise<void> {
  await waitFor(`${at}/ to be upgraded to version 2`, async () => (await api('GET', `${at}/config`)).status !== 400)
}

async function mount(api: VaultApi, table: 'sys/auth' | 'sys/mounts', at: string, body: object): Promise<void> {
  if (expectOk(await api('GET', table), `list ${table}`).body.data[`${at}/`]) return
  expectOk(await api('POST', `${table}/${at}`, body), `mount ${at}/`)
}
