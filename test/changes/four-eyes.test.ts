import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Flows } from '../../src/access/flows/flows.service.ts'
import { Held } from '../../src/changes/held.ts'
import { newFlow } from '../../src/contract/flows.ts'
import type { Caller } from '../../src/identity/callers/caller.ts'
import { IntegrationChanges } from '../../src/integrations/integration-changes.ts'
import { IntegrationStates } from '../../src/integrations/integration-states.ts'
import { Ownerships } from '../../src/integrations/ownership/ownership.service.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { startWorld, type World } from '../support/world.ts'

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
  const bodiesOf = (id: string) => broker.database.query('select state, body from proposals where id = $1', [id])
  const flows = async () =>
    (await one.must(one.get('/api/access-flows?limit=200'))).items as { id: string; name: string; version: number }[]

  it('makes a flow only when somebody else accepts it', async () => {
    const proposed = await one.post('/api/access-flows', flowNamed('proposed'))
    expect(proposed).toMatchObject({ status: 202, body: { kind: 'flow.create', state: 'open', summary: { name: 'proposed' } } })
    expect(await flows()).toEqual([])
    expect((await one.post(`/api/proposals/${proposed.body.id}/accept`)).body.code).toBe('access.self_approval')
    expect((await two.post(`/api/proposals/${proposed.body.id}/accept`)).body).toMatchObject({ state: 'performed' })
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

  it('says of an accepted change that could not be made why, and makes none of it later', async () => {
    const taken = await one.must(one.post('/api/access-flows', flowNamed('twice')))
    const second = await one.must(one.post('/api/access-flows', flowNamed('twice')))
    await two.must(two.post(`/api/proposals/${taken.id}/accept`))
    const failed = await two.post(`/api/proposals/${second.id}/accept`)
    expect(failed.body).toMatchObject({ state: 'failed', problem: { code: 'name.taken' } })
    expect((await two.post(`/api/proposals/${second.id}/accept`)).status).toBe(409)
    expect((await flows()).filter((flow) => flow.name === 'twice')).toHaveLength(1)
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
    expect(proposed.body.diff).toEqual([
      { field: 'name', before: before.name, after: 'Renamed' },
      { field: 'config.auth.secretId.new', before: null, after: true },
    ])
    const [row] = await broker.database.query('select row_to_json(p)::text as text from proposals p where id = $1', [
      proposed.body.id,
    ])
    expect(JSON.stringify(row)).not.toContain(secret)
    expect((await one.get(`/api/integrations/${world.integrationId}`)).body.name).toBe(before.name)
    await two.must(two.post(`/api/proposals/${proposed.body.id}/accept`))
    expect((await one.get(`/api/integrations/${world.integrationId}`)).body.name).toBe('Renamed')
    // Nothing of the secret is left in the proposal, be it sealed.
    expect(await bodiesOf(proposed.body.id)).toEqual([{ state: 'performed', body: null }])
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

  const proposeOff = async (by: Api, flowId: string) => one.must(by.patch(`/api/access-flows/${flowId}`, { active: false }))
  const made = async (name: string) => {
    const { id } = await one.must(one.post('/api/access-flows', flowNamed(name)))
    await two.must(two.post(`/api/proposals/${id}/accept`))
    return (await flows()).find((flow) => flow.name === name)!
  }

  it('shows what a change comes to, and refuses it once what it changes is another', async () => {
    const flow = await made('moving')
    const { rule } = await one.must(one.get(`/api/access-flows/${flow.id}`))
    const longer = await one.must(one.patch(`/api/access-flows/${flow.id}`, { rule: { ...rule, maxSeconds: 900 } }))
    expect(longer.base).toMatchObject({ name: 'moving', version: 1, rule: { maxSeconds: 600 } })
    expect(longer.diff).toEqual([{ field: 'rule.maxSeconds', before: 600, after: 900 }])
    const automatic = await one.must(
      one.patch(`/api/access-flows/${flow.id}`, { rule: { ...rule, resources: [{ paths: ['kv/**'] }] } }),
    )
    expect((await two.post(`/api/proposals/${longer.id}/accept`)).body.state).toBe('performed')
    const refused = await two.post(`/api/proposals/${automatic.id}/accept`)
    expect(refused.body).toMatchObject({ status: 409, code: 'conflict' })
    expect(refused.body.message).toContain('changed after it was proposed')
    expect((await one.get(`/api/proposals/${automatic.id}`)).body.state).toBe('open')
    expect((await one.get(`/api/access-flows/${flow.id}`)).body.rule).toMatchObject({
      maxSeconds: 900,
      resources: [{ paths: ['kv/app/*'] }],
    })
  })

  it('notices between accepting and making it that somebody else was faster', async () => {
    const flow = await made('faster')
    const { id } = await proposeOff(one, flow.id)
    // Its work comes late, as it does where the daemon died in between.
    await broker.database.query(`create function test_late() returns trigger language plpgsql as
      $$ begin if new.kind = 'proposal.perform' then new.run_at := now() + interval '1 hour'; end if; return new; end $$`)
    await broker.database.query('create trigger test_late before insert on due_work for each row execute function test_late()')
    const accepting = two.post(`/api/proposals/${id}/accept`)
    await waitFor('it to be accepted', async () => (await one.get(`/api/proposals/${id}`)).body.state === 'accepted')
    const withoutFourEyes = world.broker.admin
    await withoutFourEyes.must(withoutFourEyes.patch(`/api/access-flows/${flow.id}`, { name: 'renamed meanwhile' }))
    await broker.database.query('drop trigger test_late on due_work')
    await broker.database.query('drop function test_late')
    await broker.database.query(
      `with due as (update due_work set run_at = now(), version = version + 1 where subject = $1)
       select pg_notify('due_work', 'background')`,
      [id],
    )
    await accepting
    await waitFor('it to fail', async () => (await one.get(`/api/proposals/${id}`)).body.state === 'failed')
    expect((await one.get(`/api/proposals/${id}`)).body.problem.code).toBe('conflict')
    expect((await one.get(`/api/access-flows/${flow.id}`)).body).toMatchObject({ active: true, name: 'renamed meanwhile' })
  })

  it('makes nothing in the name of somebody who was disabled or lost their role', async () => {
    const { admin } = world.broker
    const flow = await made('of leavers')
    for (const leaving of [{ state: 'disabled' }, { roles: ['member'] }]) {
      const owner = await world.person('leaver', ['owner'], ['read', 'manage'])
      const proposed = await proposeOff(broker.api(owner.token), flow.id)
      await admin.must(admin.patch(`/api/users/${owner.id}`, leaving))
      expect((await two.post(`/api/proposals/${proposed.id}/accept`)).status).toBe(409)
      const { state, problem, decidedBy } = (await one.get(`/api/proposals/${proposed.id}`)).body
      expect({ state, decidedBy }).toEqual({ state: 'withdrawn', decidedBy: null })
      expect(problem.message).toContain('disabled or lost their role')
      expect(await bodiesOf(proposed.id)).toEqual([{ state: 'withdrawn', body: null }])

      const second = await world.person('leaver', ['owner'], ['read', 'manage'])
      const waiting = await proposeOff(broker.api(second.token), flow.id)
      await admin.must(admin.patch(`/api/users/${second.id}`, leaving))
      await waitFor(
        'it to be withdrawn without anybody accepting it',
        async () => (await one.get(`/api/proposals/${waiting.id}`)).body.state === 'withdrawn',
      )
    }
    expect((await one.get(`/api/access-flows/${flow.id}`)).body.active).toBe(true)
  })

  it('lapses after the time it was given', async () => {
    const flow = await made('too late')
    const { id, createdAt, expiresAt } = await proposeOff(one, flow.id)
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(7 * 24 * 3600 * 1000)
    await broker.database.query(
      `with late as (update proposals set expires_at = now() where id = $1),
         due as (update due_work set run_at = now() + interval '1 hour', version = version + 1 where subject = $1)
       select 1`,
      [id],
    )
    expect((await two.post(`/api/proposals/${id}/accept`)).body).toMatchObject({ status: 409, code: 'conflict' })
    await broker.database.query(
      `with due as (update due_work set run_at = now(), version = version + 1 where subject = $1)
       select pg_notify('due_work', 'background')`,
      [id],
    )
    await waitFor('it to lapse', async () => (await one.get(`/api/proposals/${id}`)).body.state === 'lapsed')
    expect(await bodiesOf(id)).toEqual([{ state: 'lapsed', body: null }])
    expect((await one.get(`/api/access-flows/${flow.id}`)).body.active).toBe(true)
  })

  it('holds back every caller of the services, by whatever road', async () => {
    const [admin] = await broker.database.query<Caller>(
      `select id, name, roles, '{}'::text[] as "groupIds", '{manage}'::text[] as scopes, null as "tokenId",
         '{}'::text[] as "tokenMakers", 'tok_test' as "cameWith" from users where 'admin' = any(roles) and state = 'active' limit 1`,
    )
    const flow = await made('by the back door')
    const integration = await one.must(one.get(`/api/integrations/${world.integrationId}`))
    const ofTheDaemon = broker.app
    const changes = [
      ofTheDaemon.get(Flows).create(admin!, newFlow.parse(flowNamed('another'))),
      ofTheDaemon.get(Flows).change(admin!, flow.id, { active: false }),
      ofTheDaemon.get(IntegrationChanges).change(admin!, integration.id, { name: 'Other', skipTest: true }),
      ofTheDaemon.get(IntegrationStates).remove(admin!, integration.id, {}),
      ofTheDaemon.get(Ownerships).set(admin!, integration.id, { owners: null, resourceOwner: null }),
    ]
    for (const change of changes) expect(await change).toBeInstanceOf(Held)
    // How the broker's own session and the target's health stand changes by itself.
    const { session: _, health: __, healthAt: ___, ...unchanged } = integration
    expect((await one.get(`/api/integrations/${integration.id}`)).body).toMatchObject(unchanged)
    expect((await one.get(`/api/access-flows/${flow.id}`)).body.active).toBe(true)
  })
})
