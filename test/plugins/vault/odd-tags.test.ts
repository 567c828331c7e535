import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { parseJson } from '../../../src/sdk/index.ts'
import { startBroker } from '../../support/broker.ts'
import { furnished, inhabit, type World } from '../../support/world.ts'

// Node's JSON.parse takes the second for the first, and so the third: see src/sdk/json.ts.
const TAGS = {
  'app/db': { '!': '1', '\\': '2' },
  'app/cache': { '!': '1', '"': '2' },
  'app/db/replica': { '!': '1', '<': '2' },
}

describe.each(await serversUnderTest())('tags of one odd character, in $product', (binary) => {
  let vault: VaultServer
  let world: World
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    const config = await furnished(vault)
    for (const [path, custom_metadata] of Object.entries(TAGS))
      await vault.api('POST', `kv/metadata/${path}`, { custom_metadata })
    world = await inhabit(await startBroker(), vault, config)
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const tagsOf = async (path: string) => {
    const { text } = await world.broker.admin.get(`/api/resources/${await world.resource(`kv/${path}`)}`)
    return (parseJson(text) as { tags: unknown }).tags
  }

  it('are known as they are, and stay so', async () => {
    for (const [path, tags] of Object.entries(TAGS)) expect(await tagsOf(path), path).toEqual(tags)
    const { admin } = world.broker
    const road = `/api/integrations/${world.integrationId}/sync`
    const { id } = await admin.must(admin.post(road))
    const again = await waitFor('the sync', async () => {
      const run = await admin.must(admin.get(road))
      return run.id === id && run.state === 'completed' && run
    })
    expect(again).toMatchObject({ changed: 0 })
    for (const [path, tags] of Object.entries(TAGS)) expect(await tagsOf(path), path).toEqual(tags)
  })

  it('select what has them and nothing else', async () => {
    const flow = await world.flow({ resources: [{ tags: { '!': '1', '\\': '2' } }] })
    expect(await world.request(world.alice, { name: 'kv/app/db', flowId: flow.id })).toMatchObject({ state: 'approved' })
    const marks = await world.flow({ resources: [{ tags: TAGS['app/cache'] }] })
    const { text } = await world.broker.admin.get(`/api/access-flows/${marks.id}`)
    expect((parseJson(text) as { rule: object }).rule).toMatchObject({ resources: [{ tags: TAGS['app/cache'] }] })
    for (const [name, flowId] of [
      ['kv/app/cache', flow.id],
      ['kv/app/db/replica', flow.id],
      ['kv/app/db', marks.id],
    ] as const) {
      const resources = [{ resourceId: await world.resource(name), permissions: ['read'] }]
      const refused = await world.alice.api.post('/api/access-requests', { flowId, resources, seconds: 60, justification: 'b' })
      expect(refused.body, name).toMatchObject({ status: 422, code: 'access.denied' })
    }
    expect(await world.request(world.alice, { name: 'kv/app/cache', flowId: marks.id })).toMatchObject({ state: 'approved' })
  })
})
