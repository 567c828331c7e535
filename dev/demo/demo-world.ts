import { bearer } from '../../src/api-client/api-client.ts'
import { flows as accessFlows } from '../../src/contract/endpoints/access.ts'
import { catalog } from '../../src/contract/endpoints/catalog.ts'
import { discovery as discoveries, integrations, resources } from '../../src/contract/endpoints/integrations.ts'
import { rolesOfGroups } from '../../src/contract/endpoints/people.ts'
import type { FlowView } from '../../src/contract/flows.ts'
import type { DiscoveryRunView, HealthReport, IntegrationView, ResourceView } from '../../src/contract/integrations.ts'
import { Secret } from '../../src/sdk/index.ts'
import type { VaultServer } from '../vault/vault-server.ts'
import { setUpVault } from '../vault/vault-setup.ts'
import { waitFor } from '../vault/vault-wait.ts'
import { DemoApi } from './demo-api.ts'
import { ADMINS, APPROVERS, type DemoCompany, type DemoPerson, STAFF } from './demo-people.ts'
import { fill } from './demo-vault.ts'

export interface DemoWorld {
  readonly admin: DemoApi
  readonly company: DemoCompany
  readonly alice: DemoPerson
  readonly bob: DemoPerson
  readonly integration: IntegrationView
  readonly policyPaths: number
  readonly health: HealthReport
  readonly discovery: DiscoveryRunView
  readonly payments: FlowView
  readonly orders: FlowView
}

/** A server set up as the guide says, by the product's own words, and a broker that knows it; all through the public API. */
export async function settle(vault: VaultServer, company: DemoCompany, adminToken: string): Promise<DemoWorld> {
  const admin = new DemoApi(company.brokerUrl, bearer(new Secret(adminToken)))
  const config = { address: vault.address, kvMounts: ['kv'], transitMounts: ['transit'] }
  const { document: policy } = await admin.call(catalog.minimumPolicy, {
    params: { plugin: 'vault' },
    body: { config: { ...config, auth: { method: 'approle', roleId: 'not made yet' } } },
  })
  const login = await setUpVault(vault, { policy })
  await fill(vault)
  const integration = await admin.call(integrations.create, {
    body: {
      name: 'demo-vault',
      plugin: 'vault',
      config: { ...config, auth: { method: 'approle', ...login } },
      accessDetails: 'Questions about payments: #team-payments.',
    },
  })
  const health = await admin.call(integrations.check, { params: { id: integration.id } })
  const discovery = await discovered(admin, integration.id)
  const [alice, bob] = [await company.signIn('alice'), await company.signIn('bob')]
  await company.signIn('erin')
  await adminsAre(admin, await company.signIn('dana'))
  return {
    admin,
    company,
    alice,
    bob,
    integration,
    policyPaths: Object.keys(JSON.parse(policy).path).length,
    health,
    discovery,
    ...(await flows(admin, integration.id, bob)),
  }
}

export async function resourceNamed(admin: DemoApi, name: string): Promise<ResourceView> {
  const { items } = await admin.call(resources.search, { query: { q: name } })
  const found = items.find((item) => item.name === name)
  if (found) return found
  throw new Error(`${name} was not discovered`)
}

async function discovered(admin: DemoApi, integrationId: string): Promise<DiscoveryRunView> {
  await admin.call(discoveries.start, { params: { id: integrationId } })
  return waitFor('the discovery to end', async () => {
    const run = await admin.call(discoveries.latest, { params: { id: integrationId } })
    return run.state !== 'running' && run
  })
}

/** What the provider says of Dana's group makes her an admin of the broker. */
async function adminsAre(admin: DemoApi, { me }: DemoPerson): Promise<void> {
  const group = me.groups.find(({ name }) => name === ADMINS)
  if (!group) throw new Error(`the provider did not say that ${me.name} is in ${ADMINS}`)
  await admin.call(rolesOfGroups.add, { params: { role: 'admin', groupId: group.id } })
}

async function flows(admin: DemoApi, integrationId: string, bob: DemoPerson) {
  const group = (wanted: string) => bob.me.groups.filter(({ name }) => name === wanted).map(({ id }) => id)
  const payments = await admin.call(accessFlows.create, {
    body: {
      name: 'Secrets of the payments team',
      integrationId,
      rule: {
        requesters: { kind: 'people', groups: group(STAFF) },
        resources: [{ types: ['vault-kv-secret'], tags: { team: 'payments' } }],
        permissions: { 'vault-kv-secret': ['read'] },
        maxSeconds: 3600,
        approval: { kind: 'approvers', groups: group(APPROVERS) },
      },
    },
  })
  const orders = await admin.call(accessFlows.create, {
    body: {
      name: 'Encrypting orders',
      integrationId,
      rule: {
        requesters: { kind: 'everyone' },
        resources: [{ types: ['vault-transit-key'], paths: ['transit/orders'] }],
        permissions: { 'vault-transit-key': ['encrypt'] },
        maxSeconds: 900,
        justification: 'optional',
        approval: { kind: 'automatic' },
      },
    },
  })
  return { payments, orders }
}
