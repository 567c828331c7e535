import { authorityReady } from '../../dev/vault/vault-authority.ts'
import type { VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { policyDocument, wantedRules } from '../../plugins/vault/minimum-policy.ts'
import type { Broker } from './broker.ts'
import type { Daemon } from './daemon.ts'
import { type DistributionWorld, everything } from './distribution-world.ts'
import { configFor } from './vault-broker.ts'

const SETTINGS = {
  capabilities: ['read-certificates', 'issue-certificates'],
  certificatePaths: ['shop', 'bad1', 'none', 'failing', 'chained', 'mended'].map((name) => ({
    mount: 'secret',
    path: `source/${name}`,
  })),
  pkiRoles: ['web', 'forgetful', 'leased'].map((role) => ({ mount: 'pki', role })),
}

/** A broker with an integration that certificates come from, and targets that they go to. */
export type SourceWorld<Home extends Broker | Daemon = Broker> = DistributionWorld<Home> & {
  readonly integrationId: string
  source(name: string, from: object, more?: object): Promise<string>
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects
  get(sourceId: string): Promise<any>
  /** its current certificate, once there is one */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  current(sourceId: string): Promise<any>
  /** looked at once more, by an admin's word */
  renewed(sourceId: string): Promise<void>
  leaks(): Promise<string[]>
}

export async function sourcesAround<Home extends Broker | Daemon>(
  world: DistributionWorld<Home>,
  address = world.server.address,
): Promise<SourceWorld<Home>> {
  const { admin, server, broker, canaries } = world
  await pkiReady(server)
  const auth = await preparedForSources(server)
  const config = { address, auth, ...SETTINGS }
  const { id: integrationId } = await admin.must(admin.post('/api/integrations', { plugin: 'vault', name: 'sources', config }))
  const get = (id: string) => admin.must(admin.get(`/api/certificate-sources/${id}`))
  return {
    ...world,
    integrationId,
    source: async (name, from, more) => (await admin.must(admin.post('/api/certificate-sources', { name, from, ...more }))).id,
    get,
    current: (id) => waitFor('a certificate', async () => (await get(id)).certificate ?? undefined),
    renewed: async (id) => {
      await admin.must(admin.post(`/api/certificate-sources/${id}/renew`, { reason: 'a test' }))
      await waitFor('it to be looked at', async () => {
        const { nextAt, runId } = await get(id)
        return runId === null && Date.parse(nextAt) > Date.now() + 30_000
      })
    },
    leaks: async () => {
      const log = typeof broker.log === 'function' ? broker.log() : broker.log.join('')
      const metrics = await (await fetch(`${broker.url}/metrics`)).text().catch(() => '')
      return canaries.leaksIn(new Map([...(await everything(broker)), ['the log', log], ['the metrics', metrics]]))
    },
  }
}

/** The broker's role for sources, with its minimum policy but for these paths. */
export async function preparedForSources({ api, address }: VaultServer, without: readonly string[] = []) {
  const rules = wantedRules(configFor(address, { auth: { method: 'token', token: 'nobody’s' }, ...SETTINGS }))
  const policy = policyDocument(rules.filter(({ path }) => !without.includes(path)))
  await api('PUT', 'sys/policies/acl/latchkey-sources', { policy })
  const role = 'auth/approle/role/latchkey-sources'
  await api('POST', role, {
    token_ttl: '20m',
    token_max_ttl: '1h',
    token_no_default_policy: true,
    token_policies: ['latchkey-sources'],
  })
  const roleId: string = (await api('GET', `${role}/role-id`)).body.data.role_id
  const secretId: string = (await api('POST', `${role}/secret-id`)).body.data.secret_id
  return { method: 'approle', roleId, secretId }
}

/** A PKI engine, and roles of every kind. */
export function pkiReady(server: VaultServer): Promise<void> {
  const role = { allowed_domains: ['example.com'], allow_subdomains: true, max_ttl: '2160h', ttl: '2160h' }
  return authorityReady(server, {
    ttl: '87600h',
    roles: {
      web: role,
      any: { ...role, key_type: 'any' },
      forgetful: { ...role, no_store: true },
      leased: { ...role, generate_lease: true },
    },
  })
}
