import type { ServerBinary } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { keyValueReady } from '../../dev/vault/vault-setup.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from './api.ts'
import { type Broker, startBroker } from './broker.ts'
import { Canaries } from './canaries.ts'
import type { makeChain } from './certificates.ts'
import type { FreshDatabase } from './database.ts'

/** What the guide for operators asks for, for `certs/` in the mount `secret`. */
export const CERTS_POLICY = JSON.stringify({
  path: {
    'secret/data/certs/*': { capabilities: ['create', 'read', 'update'] },
    'secret/metadata/certs/*': { capabilities: ['read'] },
    'secret/delete/certs/*': { capabilities: ['update'] },
    'secret/config': { capabilities: ['read'] },
    'auth/token/lookup-self': { capabilities: ['read'] },
    'auth/token/renew-self': { capabilities: ['update'] },
    'auth/token/revoke-self': { capabilities: ['update'] },
    'sys/capabilities-self': { capabilities: ['update'] },
  },
})

/** A broker in this process, or a daemon. */
export interface Habitable {
  readonly admin: Api
  readonly database: FreshDatabase
  readonly log: readonly string[] | (() => string)
  close(): Promise<void>
}

/** A broker and a server that certificates go to. */
export interface DistributionWorld<Home extends Habitable = Broker> {
  readonly broker: Home
  readonly admin: Api
  readonly server: VaultServer
  readonly login: { readonly method: 'approle'; readonly roleId: string; readonly secretId: string }
  /** everything secret that was given to the broker */
  readonly canaries: Canaries
  certificate(made: ReturnType<typeof makeChain>, more?: object): Promise<string>
  credential(name: string, addresses: readonly string[], login?: object): Promise<string>
  /** at the server, unless another address is given; named by what it is for */
  target(name: string, location?: Record<string, unknown>, more?: object): Promise<string>
  distribute(certificateId: string, targetIds: readonly string[], more?: object): Promise<string>
  /** once no target of it is under way */
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects
  settled(distributionId: string): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  get(distributionId: string): Promise<any>
  /** where a secret stands that should stand nowhere: journal, trail, log, metrics, whatever the broker answers */
  whereItLeaks(secret: string): Promise<string[]>
  stop(): Promise<void>
}

export function distributionWorld(binary: ServerBinary): Promise<DistributionWorld> {
  return worldAround(binary, () => startBroker())
}

/** The same around a broker or a daemon that is started so. */
export async function worldAround<Home extends Habitable>(
  binary: ServerBinary | undefined,
  start: () => Promise<Home>,
): Promise<DistributionWorld<Home>> {
  const server = await startVaultServer({ binary })
  const login = await preparedForCertificates(server)
  const broker = await start()
  const { admin } = broker
  const logOf = () => (typeof broker.log === 'function' ? broker.log() : broker.log.join(''))
  const canaries = new Canaries()
  canaries.plant('the secret ID', login.secretId)
  const credential: DistributionWorld['credential'] = async (name, addresses, how = login) =>
    (
      await admin.must(
        admin.post('/api/target-credentials', {
          name,
          plugin: 'vault',
          login: how,
          destinations: addresses.map((address) => ({ address })),
        }),
      )
    ).id
  const usual = new Map<string, Promise<string>>()
  const credentialFor = (address: string) => {
    const known = usual.get(address) ?? credential(`login ${usual.size + 1}`, [address])
    usual.set(address, known)
    return known
  }
  const get = (id: string) => admin.must(admin.get(`/api/distributions/${id}`))
  return {
    broker,
    admin,
    server,
    login,
    canaries,
    credential,
    certificate: async ({ leaf, chain }, more) => {
      canaries.plant(`the key of ${leaf.name}`, secretPart(leaf.keyPem))
      const body = { name: leaf.name, certificate: leaf.pem, chain, privateKey: leaf.keyPem, ...more }
      return (await admin.must(admin.post('/api/certificates', body))).id
    },
    target: async (name, location = {}, more = {}) => {
      const where = { address: server.address, path: 'certs/{{ .cn }}', ...location }
      const body = { name, credentialId: await credentialFor(String(where.address)), location: where, ...more }
      return (await admin.must(admin.post('/api/targets', body))).id
    },
    distribute: async (certificateId, targetIds, more) =>
      (await admin.must(admin.post('/api/distributions', { certificateId, targetIds, reason: 'a test', ...more }))).id,
    settled: (id) =>
      waitFor('the distribution to settle', async () => {
        const now = await get(id)
        return now.state !== 'running' && now.finishedAt !== null && now
      }),
    get,
    whereItLeaks: async (secret) => {
      canaries.plant('the secret', secret.includes('PRIVATE KEY') ? secretPart(secret) : secret)
      const metrics = (await admin.get('/metrics')).text
      if (!metrics.includes('latchkey_http_request_seconds')) throw new Error('there are no metrics to look at')
      return canaries.leaksIn(new Map([...(await everything(broker)), ['the log', logOf()], ['the metrics', metrics]]))
    },
    stop: async () => {
      await broker.close()
      await server.stop()
    },
  }
}

/** A role that may write certificates and nothing else, and its login. */
export async function preparedForCertificates(server: VaultServer, policy = CERTS_POLICY): Promise<DistributionWorld['login']> {
  const { api } = server
  await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await keyValueReady(api, 'secret')
  await api('POST', 'sys/auth/approle', { type: 'approle' })
  await api('PUT', 'sys/policies/acl/latchkey-certs', { policy })
  const role = 'auth/approle/role/latchkey-certs'
  const life = { token_ttl: '20m', token_max_ttl: '1h', token_no_default_policy: true, token_policies: ['latchkey-certs'] }
  await api('POST', role, life)
  const roleId: string = (await api('GET', `${role}/role-id`)).body.data.role_id
  const secretId: string = (await api('POST', `${role}/secret-id`)).body.data.secret_id
  return { method: 'approle', roleId, secretId }
}

/** A key begins with what all of its kind begin with and ends with its public half, which is no secret. */
export function secretPart(keyPem: string): string {
  return keyPem.split('\n').slice(1, -2).join('').slice(50, 86)
}

/** Every text in the database, table by table. */
export async function everything({ database }: Habitable): Promise<[string, string][]> {
  const tables = await database.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  )
  return Promise.all(
    tables.map(async ({ name }): Promise<[string, string]> => {
      const found = await database.query<{ text: string }>(`select t::text as text from ${name} t`)
      return [`the table ${name}`, found.map(({ text }) => text).join('\n')]
    }),
  )
}
