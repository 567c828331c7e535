import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VaultApi } from '../../dev/vault/vault-api.ts'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { prepared } from '../support/vault-broker.ts'
import { startWorld, tries, type World } from '../support/world.ts'

const NAMESPACE = 'team'
const settings = { namespace: NAMESPACE, capabilities: ['discovery', 'grants', 'rotate-secrets'] }

const [openbao] = (await serversUnderTest()).filter(({ product }) => product === 'openbao')
const [binary] = await serversUnderTest()

describe.runIf(openbao)('an integration in a namespace of OpenBao', () => {
  let server: VaultServer
  let team: VaultServer
  let world: World

  beforeAll(async () => {
    server = await startVaultServer({ binary: openbao! })
    expect((await server.api('POST', `sys/namespaces/${NAMESPACE}`, {})).status).toBeLessThan(300)
    team = within(server, NAMESPACE)
    world = await startWorld(team, { settings })
  })
  afterAll(async () => {
    await world?.close()
    await server?.stop()
  })

  it('discovers, lends and takes back there, and reaches nothing beside it', async () => {
    await server.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
    await waitFor('the mount', async () => (await server.api('GET', 'kv/config')).status === 200)
    await server.api('POST', 'kv/data/app/db', { data: { password: 'of the root namespace' } })
    const grant = await world.grant(world.alice, { name: 'kv/app/db' })
    const { token } = await world.open(world.alice, grant)
    expect(await tries(team, token, 'GET', 'kv/data/app/db')).toBe(200)
    expect(await tries(team, token, 'GET', 'kv/data/app/cache')).toBe(403)
    expect(await tries(server, token, 'GET', 'kv/data/app/db')).toBe(403)
    await world.alice.api.must(world.alice.api.post(`/api/grants/${grant}/give-back`))
    await world.until(world.alice, grant, 'revoked')
    expect(await tries(team, token, 'GET', 'kv/data/app/db')).toBe(403)
    const { evidence } = await world.alice.api.must(world.alice.api.get(`/api/grants/${grant}/receipt`))
    expect(evidence.every(({ gone }: { gone: boolean }) => gone)).toBe(true)
  })

  it('rotates a secret there and puts it back, and leaves the one of the same name in the root namespace alone', async () => {
    const { admin } = world.broker
    const stored = async (api: VaultApi) => (await api('GET', 'kv/data/app/cache')).body.data
    await server.api('POST', 'kv/data/app/cache', { data: { password: 'of the root namespace' } })
    const [before, beside] = [await stored(team.api), await stored(server.api)]
    const input = { mount: 'kv', path: 'app/cache', fields: { password: { by: 'recipe', length: 24 } } }
    const order = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'it is old' }
    const { id } = await admin.must(admin.post('/api/runs', order))
    const is = (state: string) =>
      waitFor(`it to be ${state}`, async () => (await admin.get(`/api/runs/${id}`)).body.state === state)
    await is('executed')
    expect((await stored(team.api)).data.password).toMatch(/^[A-Za-z0-9]{24}$/)
    await admin.must(admin.post(`/api/runs/${id}/rollback`, { reason: 'back' }))
    await is('undone')
    expect((await stored(team.api)).data).toEqual(before.data)
    expect(await stored(server.api)).toEqual(beside)
  })

  it('is one of several, each of which sees its own namespace', async () => {
    const { admin } = world.broker
    expect((await server.api('POST', 'sys/namespaces/other', {})).status).toBeLessThan(300)
    const other = within(server, 'other')
    const second = await startWorld(other, { settings: { ...settings, namespace: 'other' } })
    try {
      await other.api('POST', 'kv/data/only/here', { data: { a: '1' } })
      const { integrationId, broker } = second
      await broker.admin.must(broker.admin.post(`/api/integrations/${integrationId}/sync`))
      await waitFor('the sync', async () => {
        const { items } = await broker.admin.must(broker.admin.get('/api/resources?q=kv/only/here'))
        return items.length > 0
      })
      await admin.must(admin.post(`/api/integrations/${world.integrationId}/sync`))
      await waitFor(
        'the other sync',
        async () => (await admin.get(`/api/integrations/${world.integrationId}/sync`)).body.state === 'completed',
      )
      expect((await admin.must(admin.get('/api/resources?q=kv/only/here'))).items).toEqual([])
    } finally {
      await second.close()
    }
  })
})

describe('an integration in a namespace that is not there', () => {
  it('is not made', async () => {
    const server = await startVaultServer({ binary: binary! })
    const world = await startWorld(server)
    try {
      const { admin } = world.broker
      const { config } = await admin.must(admin.get(`/api/integrations/${world.integrationId}`))
      const { approle } = await prepared(server)
      const body = { name: 'nowhere', plugin: 'vault', config: { ...config, auth: approle, namespace: 'nowhere' } }
      const refused = await admin.post('/api/integrations', body)
      expect(refused.status, refused.text).toBeGreaterThanOrEqual(400)
      expect(refused.text).toContain('namespace')
    } finally {
      await world.close()
      await server.stop()
    }
  })
})

/** The same server, spoken to in one of its namespaces. */
function within(server: VaultServer, namespace: string): VaultServer {
  const api: VaultApi = (method, path, body, headers) =>
    // What the whole server audits is said in its root namespace.
    server.api(
      method,
      path,
      body,
      path.startsWith('sys/config/auditing/') ? headers : { 'x-vault-namespace': namespace, ...headers },
    )
  return { ...server, api }
}
