import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../dev/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../dev/vault-server.ts'
import type { Api } from './support/api.ts'
import { type Broker, startBroker } from './support/broker.ts'
import { startWorld, type World } from './support/world.ts'

describe.each(await serversUnderTest())('with four eyes on changes, on $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  let broker: Broker
  let one: Api
  let two: Api

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
    const { database, key } = world.broker
    broker = await startBroker({ database, key, config: { fourEyes: true } })
    one = broker.admin
    two = broker.api((await world.person('second admin', ['admin'], ['read', 'manage', 'request', 'approve'])).token)
  })
  afterAll(async () => {
    await broker?.close()
    await world?.close()
    await vault?.stop()
  })

  const flowNamed = (name: string) => ({
    name,
    integrationId: world.integrationId,
    rule: {
      requesters: { kind: 'everyone' },
      resources: [{ paths: ['kv/app/*'] }],
      permissions: { 'vault-kv-secret': ['read'] },
      maxSeconds: 600,
      approval: { kind: 'automatic' },
    },
  })
  const flows = async () =>
    (await one.must(one.get('/api/access-flows?limit=200'))).items as { id: string; name: string; version: number }[]

  it('makes a flow only when somebody else accepts it', async () => {
    const proposed = await one.post('/api/access-flows', flowNamed('proposed'))
    expect(proposed).toMatchObject({ status: 202, body: { kind: 'flow.create', state: 'open', summary: { name: 'proposed' } } })
    expect(await flows()).toEqual([])
    expect((await one.post(`/api/proposals/${proposed.body.id}/accept`)).body.code).toBe('access.self_approval')
    expect((await two.post(`/api/proposals/${proposed.body.id}/accept`)).body).toMatchObject({ state: 'accepted' })
    expect(await flows()).toMatchObject([{ name: 'proposed', version: 1 }])
    expect((await two.post(`/api/proposals/${proposed.body.id}/accept`)).status).toBe(409)
  })

  it('accepts once when two accept at the same moment', async () => {
    const three = broker.api((await world.person('third admin', ['admin'], ['read', 'manage'])).token)
    const { id } = await one.must(one.post('/api/access-flows', flowNamed('raced')))
    const answers = await Promise.all([two, three].map((who) => who.post(`/api/proposals/${id}/accept`)))
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409])
    expect((await flows()).filter((flow) => flow.name === 'raced')).toHaveLength(1)
  })

  it('changes nothing that was declined or withdrawn', async () => {
    const [flow] = await flows()
    const change = () => one.must(one.patch(`/api/access-flows/${flow!.id}`, { active: false }))
    const declined = await change()
    expect((await two.post(`/api/proposals/${declined.id}/decline`)).body.state).toBe('declined')
    const withdrawn = await change()
    expect((await two.post(`/api/proposals/${withdrawn.id}/withdraw`)).status).toBe(404)
    expect((await one.post(`/api/proposals/${withdrawn.id}/withdraw`)).body.state).toBe('withdrawn')
    expect((await two.post(`/api/proposals/${withdrawn.id}/accept`)).status).toBe(409)
    expect((await one.get(`/api/access-flows/${flow!.id}`)).body.active).toBe(true)
  })

  it('leaves a proposal open that can no longer be carried out as it was', async () => {
    const taken = await one.must(one.post('/api/access-flows', flowNamed('twice')))
    const second = await one.must(one.post('/api/access-flows', flowNamed('twice')))
    await two.must(two.post(`/api/proposals/${taken.id}/accept`))
    expect((await two.post(`/api/proposals/${second.id}/accept`)).body.code).toBe('name.taken')
    expect((await one.get(`/api/proposals/${second.id}`)).body.state).toBe('open')
  })

  it('shows a change of an integration without its secrets, and keeps them sealed until then', async () => {
    const before = await one.must(one.get(`/api/integrations/${world.integrationId}`))
    const secret = 'canary-7c2f41aa'
    const { auth, ...rest } = before.config
    const config = { ...rest, auth: { ...auth, secretId: secret } }
    const proposed = await one.patch(`/api/integrations/${world.integrationId}`, { config, skipTest: true, name: 'Renamed' })
    expect(proposed.status, proposed.text).toBe(202)
    expect(proposed.text).not.toContain(secret)
    expect(proposed.body.summary).toMatchObject({ name: 'Renamed' })
    const [row] = await broker.database.query('select row_to_json(p)::text as text from proposals p where id = $1', [
      proposed.body.id,
    ])
    expect(JSON.stringify(row)).not.toContain(secret)
    expect((await one.get(`/api/integrations/${world.integrationId}`)).body.name).toBe(before.name)
    await two.must(two.post(`/api/proposals/${proposed.body.id}/accept`))
    expect((await one.get(`/api/integrations/${world.integrationId}`)).body.name).toBe('Renamed')
  })

  it('lets nobody choose alone who answers for an integration', async () => {
    const owner = await world.person('owner', ['owner'], ['read', 'manage'])
    const api = broker.api(owner.token)
    const proposed = await api.put(`/api/integrations/${world.integrationId}/ownership`, {
      owners: { users: [owner.id], groups: [] },
    })
    expect(proposed, proposed.text).toMatchObject({ status: 202, body: { kind: 'integration.own' } })
    expect((await one.get(`/api/integrations/${world.integrationId}/ownership`)).body.owners).toBeNull()
    await two.must(two.post(`/api/proposals/${proposed.body.id}/accept`))
    expect((await one.get(`/api/integrations/${world.integrationId}/ownership`)).body.owners.users).toEqual([owner.id])
  })
})
