import { X509Certificate } from 'node:crypto'
import type { ServerBinary } from '../vault/vault-binary.ts'
import { expectOk } from '../vault/vault-initialise.ts'
import { startVaultServer, type VaultServer } from '../vault/vault-server.ts'
import { keyValueReady } from '../vault/vault-setup.ts'

/** Where the shop’s certificate has to be. */
const NAMES = ['shop-eu', 'shop-us', 'shop-asia'] as const
export const SHOP_NAME = 'shop.example.com'
/** What a target's policy of the broker's is called there. */
const POLICY = 'latchkey-certs'

/** A certificate as a server keeps it, by that server's own answer. */
export interface Kept {
  /** of the certificate itself, as everybody computes it; none: there is no certificate */
  readonly fingerprint: string | undefined
  readonly version: number
}

/** One of the servers that certificates go to. */
export interface DemoPlace {
  readonly name: string
  readonly server: VaultServer
}

/** Three servers of the company's, each with a KV engine and nothing in it. */
export class DemoPlaces {
  private constructor(readonly all: readonly DemoPlace[]) {}

  static async start(binary: ServerBinary): Promise<DemoPlaces> {
    const started = await Promise.allSettled(NAMES.map(async (name) => ({ name, server: await startVaultServer({ binary }) })))
    const places = new DemoPlaces(started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))
    const failed = started.find((one) => one.status === 'rejected')
    if (!failed) return places
    await places.stop()
    throw failed.reason
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map(({ server }) => server.stop()))
  }
}

/** An AppRole for the broker, with a policy that is written once the broker has said what it needs. */
export async function loginAt({ server: { api } }: DemoPlace): Promise<{ roleId: string; secretId: string }> {
  expectOk(await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } }), 'mount secret/')
  await keyValueReady(api, 'secret')
  expectOk(await api('POST', 'sys/auth/approle', { type: 'approle' }), 'enable AppRole')
  const role = `auth/approle/role/${POLICY}`
  const life = { token_ttl: '60m', token_max_ttl: '4h', token_no_default_policy: true, token_policies: [POLICY] }
  expectOk(await api('POST', role, life), 'create the AppRole')
  const roleId: string = expectOk(await api('GET', `${role}/role-id`), 'tell the role id').body.data.role_id
  const secretId: string = expectOk(await api('POST', `${role}/secret-id`), 'make a secret id').body.data.secret_id
  return { roleId, secretId }
}

export async function allow({ server: { api } }: DemoPlace, policy: string): Promise<void> {
  expectOk(await api('PUT', `sys/policies/acl/${POLICY}`, { policy }), `write the policy ${POLICY}`)
}

/** What stands there, asked of the server itself as root. */
export async function keptAt({ server: { api } }: DemoPlace): Promise<Kept> {
  const { data, metadata } = expectOk(await api('GET', `secret/data/certs/${SHOP_NAME}`), 'read a certificate').body.data
  const fingerprint = data === null ? undefined : fingerprintOf(data.certificate)
  return { fingerprint, version: metadata.version }
}

/** How often the server was told to write it, by its own audit file. */
export async function writesAt({ server }: DemoPlace): Promise<number> {
  const requests = (await server.auditLines()).filter((line) => line['type'] === 'request')
  const writes = requests.filter(
    ({ request }) => request.path === `secret/data/certs/${SHOP_NAME}` && request.operation !== 'read',
  )
  return writes.length
}

export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
}
