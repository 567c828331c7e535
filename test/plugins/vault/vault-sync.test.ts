import { Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { keyValueReady } from '../../../dev/vault/vault-setup.ts'
import { type Broker, startBroker } from '../../support/broker.ts'
import { prepared } from '../../support/vault-broker.ts'

const FOLDERS = Number(process.env['LATCHKEY_TEST_FOLDERS'] ?? 100)
const PER_FOLDER = Number(process.env['LATCHKEY_TEST_PER_FOLDER'] ?? 100)
const KEYS = 500

let vault: VaultServer
let broker: Broker
let id: string
let config: Record<string, unknown>

beforeAll(async () => {
  vault = await startVaultServer()
  const { approle } = await prepared(vault, { kvMounts: 'all', transitMounts: 'all' })
  config = { address: vault.address, auth: approle, kvMounts: 'all', transitMounts: ['transit'] }
  await vault.api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
  const paths = Array.from({ length: FOLDERS * PER_FOLDER }, (_, i) => `kv/data/team-${i % FOLDERS}/app/secret-${i}`)
  await post(paths, { data: { value: 'canary-in-the-vault' } })
  await post(
    Array.from({ length: KEYS }, (_, i) => `transit/keys/key-${i}`),
    {},
  )
  await vault.api('POST', 'kv/metadata/team-1/app/secret-1', { custom_metadata: { owner: 'payments' } })
  broker = await startBroker()
}, 300_000)
afterAll(async () => {
  await broker?.close()
  await vault?.stop()
})

/** Many calls at once, as root. */
async function post(paths: readonly string[], body: unknown): Promise<void> {
  const pool = new Pool(vault.address, { connections: 24 })
  const waiting = [...paths]
  const send = async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const answer = await pool.request({
        method: 'POST',
        path: `/v1/${path}`,
        headers: { 'x-vault-token': vault.rootToken, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      await answer.body.dump()
      expect(answer.statusCode).toBeLessThan(300)
    }
  }
  await Promise.all(Array.from({ length: 24 }, send))
  await pool.close()
}

const latest = async () => (await broker.admin.get(`/api/integrations/${id}/sync`)).body
const ended = () =>
  vi.waitFor(
    async () => {
      const run = await latest()
      expect(run.endedAt, JSON.stringify(run)).toBeTruthy()
      return run
    },
    { timeout: 120_000, interval: 50 },
  )
async function sync() {
  expect((await broker.admin.post(`/api/integrations/${id}/sync`)).status).toBe(202)
  return ended()
}
const find = async (query: string) => (await broker.admin.get(`/api/resources?integration=${id}&${query}`)).body.items

describe('a real Vault with 10,000 secrets and 500 keys', () => {
  it('is connected, after its policy was found to be right', async () => {
    const { status, body } = await broker.admin.post('/api/integrations', { name: 'prod-vault', plugin: 'vault', config })
    expect(status, JSON.stringify(body)).toBe(201)
    id = body.id
    expect(body.health).toMatchObject({ healthy: true })
    expect(body.config.auth).toMatchObject({ method: 'approle', secretId: { set: true } })
    expect(body.guarantees).toMatchObject({ token: 'server' })
  })

  it('is refused when it is to be used with a mount of KV version 1', async () => {
    const wrong = { ...config, kvMounts: ['kv', 'old'] }
    const { body } = await broker.admin.post('/api/integrations', { name: 'v1', plugin: 'vault', config: wrong })
    expect(body).toMatchObject({ code: 'integration.unhealthy' })
    expect(body.message).toContain('old is KV v1')
  })

  it('is read whole, and what is not supported is reported', async () => {
    const run = await ended()
    expect(run).toMatchObject({ state: 'completed', added: FOLDERS * PER_FOLDER + KEYS, gone: 0, unreadable: [] })
    expect(run.notices.join()).toMatch(/old\/ is KV version 1/)
    expect(await find('q=secret-77&limit=1')).toMatchObject([{ type: 'vault-kv-secret' }])
    expect(await find('path=transit/key-499')).toMatchObject([{ type: 'vault-transit-key', name: 'transit/key-499' }])
    expect(await find('tag=owner:payments')).toMatchObject([{ name: 'kv/team-1/app/secret-1' }])
  }, 120_000)

  it('is read again without a row being written', async () => {
    const stored = () => broker.database.query(`select md5(string_agg(id || xmin || ctid, '' order by id)) as all from resources`)
    const before = await stored()
    expect(await sync()).toMatchObject({ state: 'completed', found: FOLDERS * PER_FOLDER + KEYS, added: 0, changed: 0, gone: 0 })
    expect(await stored()).toEqual(before)
  }, 120_000)

  it('never asked for the value of a secret, and never stored or logged one', async () => {
    const asked = (await vault.auditLines()).filter(
      ({ type, request }) => type === 'request' && request.operation === 'read' && request.path.startsWith('kv/data/'),
    )
    expect(asked).toEqual([])
    const secretId = (config['auth'] as { secretId: string }).secretId
    const tables = ['integrations', 'integration_secrets', 'resources', 'discovery_runs', 'audit_events']
    const dump = await Promise.all(tables.map((table) => broker.database.query(`select t::text from ${table} t`)))
    for (const text of [JSON.stringify(dump), broker.log.join('')]) {
      expect(text).not.toContain('canary')
      expect(text).not.toContain(secretId)
    }
  })
})

describe('a real Vault that changes', () => {
  beforeAll(async () => {
    await vault.api('POST', 'sys/mounts/small', { type: 'kv', options: { version: '2' } })
    await vault.api('POST', 'sys/mounts/small-keys', { type: 'transit' })
    await keyValueReady(vault.api, 'small')
    await post(['small/data/a/1', 'small/data/a/2', 'small/data/b/1'], { data: { value: 'canary-in-the-vault' } })
    const body = {
      name: 'small-vault',
      plugin: 'vault',
      config: { ...config, kvMounts: ['small'], transitMounts: ['small-keys'] },
    }
    id = (await broker.admin.must(broker.admin.post('/api/integrations', body))).id
    await ended()
  })

  it('retires nothing while the broker may not list a folder, and names the folder', async () => {
    const own = 'sys/policies/acl/latchkey-broker'
    const policy: string = (await vault.api('GET', own)).body.data.policy
    const document = JSON.parse(policy)
    for (const kind of ['metadata', 'detailed-metadata']) document.path[`small/${kind}/b/`] = { capabilities: ['deny'] }
    await vault.api('PUT', own, { policy: JSON.stringify(document) })
    await vault.api('DELETE', 'small/metadata/a/1')
    const run = await sync()
    expect(run).toMatchObject({ state: 'incomplete', gone: 0, unreadable: [{ folder: 'small/b/' }] })
    expect(await find('path=small/a/1')).toHaveLength(1)
    await vault.api('PUT', own, { policy })
    expect(await sync()).toMatchObject({ state: 'completed', gone: 1 })
    expect(await find('path=small/a/1')).toEqual([])
  }, 120_000)

  it('shows again what returned, under the same id, and forgets whole mounts that went', async () => {
    const [old] = await broker.database.query<{ id: string }>('select id from resources where gone_at is not null')
    await vault.api('POST', 'small/data/a/1', { data: { value: 'again' } })
    expect(await sync()).toMatchObject({ state: 'completed', returned: 1, added: 0 })
    expect(await find('path=small/a/1')).toMatchObject([{ id: old!.id }])
    await vault.api('DELETE', 'sys/mounts/small')
    await vault.api('POST', 'sys/mounts/small', { type: 'kv', options: { version: '2' } })
    await keyValueReady(vault.api, 'small')
    expect(await sync()).toMatchObject({ state: 'completed', gone: 3 })
    expect(await find('q=small')).toEqual([])
  }, 120_000)

  it('shows as unhealthy while it is sealed', async () => {
    await vault.seal()
    const { body } = await broker.admin.post(`/api/integrations/${id}/health`)
    expect(body.healthy).toBe(false)
    expect(await sync()).toMatchObject({ state: 'failed', gone: 0, error: { code: 'target.unready' } })
    await vault.unseal()
    await vi.waitFor(
      async () => expect((await broker.admin.post(`/api/integrations/${id}/health`)).body.healthy).toBe(true),
      30_000,
    )
  }, 60_000)
})
