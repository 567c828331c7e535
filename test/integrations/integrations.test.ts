import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { TargetSessions } from '../../src/integrations/health/target-sessions.ts'
import { Sealer } from '../../src/platform/sealing/sealing.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

let target: ToyTarget
let broker: Broker
const goodConfig = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }

beforeAll(async () => {
  target = new ToyTarget()
  broker = await startBroker({ plugins: [toyPlugin(target)] })
})
afterAll(() => broker.close())
afterEach(() => {
  target.trouble = undefined
  target.password = TOY_PASSWORD
})

let made = 0
async function anIntegration(changes: object = {}) {
  const body = { name: `toys ${++made}`, plugin: 'toy', config: goodConfig, ...changes }
  return broker.admin.must(broker.admin.post('/api/integrations', body))
}

async function member() {
  const { id } = await broker.admin.must(broker.admin.post('/api/users', { name: `member ${++made}`, roles: ['member'] }))
  const { token } = await ownToken(broker.database, id, ['read', 'request'])
  return broker.api(token)
}

describe('an integration', () => {
  it('is saved after its target was reached, and shows no secret', async () => {
    const saved = await anIntegration({ accessDetails: 'ask in #toys' })
    expect(saved).toMatchObject({
      state: 'active',
      accessDetails: 'ask in #toys',
      version: 1,
      config: { address: 'toybox', depth: 3, login: { method: 'password', password: { set: true } } },
      health: { healthy: true, checks: [{ name: 'login', status: 'ok' }] },
    })
  })

  it('is not saved when a check fails, and the refusal says which and what to do', async () => {
    const config = { address: 'toybox', login: { method: 'password', password: 'canary-wrong' } }
    const { body } = await broker.admin.post('/api/integrations', { name: 'wrong', plugin: 'toy', config })
    expect(body).toMatchObject({ status: 422, code: 'integration.unhealthy', fix: 'give the right one' })
    expect(body.message).toContain('login: the toy does not know this password')
    const nowhere = await broker.admin.post('/api/integrations', {
      name: 'wrong',
      plugin: 'toy',
      config: { ...goodConfig, address: 'nowhere' },
    })
    expect(nowhere.body.message).toContain('nowhere does not answer')
    const untested = await broker.admin.post('/api/integrations', { name: 'wrong', plugin: 'toy', config, skipTest: true })
    expect(untested.status).toBe(201)
  })

  it('can be tried out without saving anything', async () => {
    const count = () => broker.database.query('select count(*) from integrations')
    const before = await count()
    expect((await broker.admin.post('/api/integrations/test', { plugin: 'toy', config: goodConfig })).body).toMatchObject({
      healthy: true,
    })
    target.password = 'another'
    expect((await broker.admin.post('/api/integrations/test', { plugin: 'toy', config: goodConfig })).body).toMatchObject({
      healthy: false,
    })
    expect(await count()).toEqual(before)
  })

  it('is refused with every offending field, and without the values', async () => {
    const { body } = await broker.admin.post('/api/integrations', {
      name: 'odd',
      plugin: 'toy',
      config: { login: { method: 'password', password: { canary: 'canary-nested' } } },
    })
    expect(body).toMatchObject({ status: 400, field: 'config.address' })
    expect(JSON.stringify(body)).toContain('config.login.password')
    expect(JSON.stringify(body)).not.toContain('canary')
    const none = await broker.admin.post('/api/integrations', { name: 'odd', plugin: 'none', config: {} })
    expect(none.body).toMatchObject({ status: 400, field: 'plugin' })
    const odd = await broker.admin.post('/api/integrations', { name: '-odd', plugin: 'toy', config: goodConfig })
    expect(odd.body).toMatchObject({ status: 400, field: 'name' })
    const long = await broker.admin.post('/api/integrations', {
      name: 'odd',
      plugin: 'toy',
      config: goodConfig,
      accessDetails: 'x'.repeat(401),
    })
    expect(long.body).toMatchObject({ status: 400, field: 'accessDetails' })
  })

  it('shares its name with no other that lives, in any case of letters', async () => {
    const { id } = await anIntegration({ name: 'Prod Toys' })
    const again = { name: 'prod toys', plugin: 'toy', config: goodConfig }
    expect((await broker.admin.post('/api/integrations', again)).body).toMatchObject({
      status: 409,
      code: 'name.taken',
      field: 'name',
    })
    expect((await broker.admin.delete(`/api/integrations/${id}`)).status).toBe(204)
    expect((await broker.admin.post('/api/integrations', again)).status).toBe(201)
    expect((await broker.admin.get(`/api/integrations/${id}`)).status).toBe(404)
  })

  it('keeps secrets that a change leaves out, and drops those set to null', async () => {
    const login = { method: 'password', password: TOY_PASSWORD, spare: 'canary-spare' }
    const { id } = await anIntegration({ config: { ...goodConfig, login } })
    const moved = await broker.admin.patch(`/api/integrations/${id}`, {
      config: { address: 'toybox', depth: 2, login: { method: 'password', password: { set: true } } },
    })
    expect(moved.body).toMatchObject({
      version: 2,
      config: { depth: 2, login: { password: { set: true }, spare: { set: true } } },
    })
    const dropped = await broker.admin.patch(`/api/integrations/${id}`, {
      config: { address: 'toybox', login: { method: 'password', spare: null } },
    })
    expect(dropped.body.config.login).toEqual({ method: 'password', password: { set: true } })
    expect((await broker.admin.post(`/api/integrations/${id}/health`)).body).toMatchObject({ healthy: true })
  })

  it('sends stored secrets to no other place than they were given for', async () => {
    const { id, config } = await anIntegration()
    const elsewhere = { ...config, address: 'elsewhere' }
    expect(await broker.admin.patch(`/api/integrations/${id}`, { config: elsewhere, skipTest: true })).toMatchObject({
      status: 400,
      body: { field: 'config.address' },
    })
    const changed = { ...goodConfig, address: 'elsewhere' }
    expect(await broker.admin.patch(`/api/integrations/${id}`, { config: changed, skipTest: true })).toMatchObject({
      status: 200,
    })
  })

  it('refuses a change that was made while looking at an older version', async () => {
    const { id } = await anIntegration()
    expect((await broker.admin.patch(`/api/integrations/${id}`, { accessDetails: 'a', version: 1 })).status).toBe(200)
    expect((await broker.admin.patch(`/api/integrations/${id}`, { accessDetails: 'b', version: 1 })).body).toMatchObject({
      status: 409,
    })
    const both = await Promise.all(
      ['c', 'd'].map((accessDetails) => broker.admin.patch(`/api/integrations/${id}`, { accessDetails, version: 2 })),
    )
    expect(both.map(({ status }) => status)).toSatisfy((each: number[]) => each.includes(200) && each.includes(409))
  })

  it('can be paused and resumed', async () => {
    const { id } = await anIntegration()
    expect((await broker.admin.post(`/api/integrations/${id}/pause`)).body).toMatchObject({ state: 'paused' })
    expect((await broker.admin.post(`/api/integrations/${id}/pause`)).body).toMatchObject({ status: 409 })
    expect((await broker.admin.post(`/api/integrations/${id}/sync`)).body).toMatchObject({ status: 409 })
    expect(await broker.database.query('select 1 from due_work where subject = $1', [id])).toEqual([])
    expect((await broker.admin.post(`/api/integrations/${id}/resume`)).body).toMatchObject({ state: 'active' })
    await vi.waitFor(async () =>
      expect((await broker.admin.get(`/api/integrations/${id}/sync`)).body).toMatchObject({ state: 'completed' }),
    )
  })

  it('is not removed while a grant through it lives, and its credentials are erased when it is', async () => {
    const { id } = await anIntegration()
    await liveGrant(id)
    const refused = await broker.admin.delete(`/api/integrations/${id}`)
    expect(refused.body).toMatchObject({ status: 409, code: 'conflict' })
    expect(refused.body.message).toContain('1 live grant')
    await broker.database.query(`update grants set state = 'expired', ended_at = now() where integration_id = $1`, [id])
    expect((await broker.admin.delete(`/api/integrations/${id}`)).status).toBe(204)
    expect(await broker.database.query('select sealed, state from integrations where id = $1', [id])).toEqual([
      { sealed: null, state: 'removed' },
    ])
    expect(await broker.database.query('select 1 from integration_secrets where integration_id = $1', [id])).toEqual([])
  })

  it('is not removed while a run that is no grant’s is under way in its target', async () => {
    const { id } = await anIntegration()
    await broker.database.query(
      `insert into action_runs (id, integration_id, action, input, state)
       select 'run_' || lpad(n::text, 26, '0'), $1, 'some-action', '{}', state
       from unnest(array['undoing', 'stuck', 'undone', 'failed', 'executed']) with ordinality as of (state, n)`,
      [id],
    )
    const refused = await broker.admin.delete(`/api/integrations/${id}`)
    expect(refused.body).toMatchObject({ status: 409, message: expect.stringMatching(/it has 2 unfinished runs$/) })
    await liveGrant(id)
    const both = await broker.admin.delete(`/api/integrations/${id}`)
    expect(both.body.message).toMatch(/1 live grant/)
    expect(both.body.message).toMatch(/2 unfinished runs/)
    await broker.database.query(`update action_runs set state = 'undone' where integration_id = $1`, [id])
    await broker.database.query(`update grants set state = 'expired', ended_at = now() where integration_id = $1`, [id])
    expect((await broker.admin.delete(`/api/integrations/${id}`)).status).toBe(204)
  })

  it('lists page by page, by name', async () => {
    const names: string[] = []
    for (let next = ''; ; ) {
      const { body } = await broker.admin.get(`/api/integrations?limit=2${next}`)
      names.push(...body.items.map(({ name }: { name: string }) => name))
      if (!body.next) break
      next = `&cursor=${body.next}`
    }
    expect(names.length).toBeGreaterThan(3)
    expect(names).toEqual([...new Set(names)])
  })

  it('is managed by admins only', async () => {
    const { id } = await anIntegration()
    const caller = await member()
    for (const [method, path] of [
      ['GET', `/api/integrations/${id}`],
      ['POST', `/api/integrations/${id}/pause`],
      ['POST', `/api/integrations/${id}/sync`],
      ['DELETE', `/api/integrations/${id}`],
    ] as const) {
      expect((await caller.send(method, path)).status).toBe(403)
    }
    expect((await caller.get('/api/resources')).status).toBe(200)
  })
})

describe('a connection', () => {
  it('shows as degraded while its session cannot be kept, and recovers', async () => {
    const { id } = await anIntegration()
    const sessions = broker.app.get(TargetSessions)
    await broker.admin.must(broker.admin.post(`/api/integrations/${id}/health`))
    target.trouble = 'the toy threw the broker out'
    await sessions.beat()
    const ready = await broker.api().get('/readyz')
    expect(ready.body).toMatchObject({ status: 'degraded' })
    expect(ready.body.degraded).toContain(`integration ${id}`)
    expect((await broker.admin.get(`/api/integrations/${id}`)).body.session).toEqual({
      ok: false,
      detail: 'the toy threw the broker out',
    })
    target.trouble = undefined
    await sessions.beat()
    expect((await broker.api().get('/readyz')).body.degraded).not.toContain(`integration ${id}`)
  })

  it('shows as degraded when its credentials were sealed with another key', async () => {
    const { id } = await anIntegration()
    const lostKeys = [new Sealer(broker.key).keyId]
    const other = await startBroker({ plugins: [toyPlugin(new ToyTarget())], database: broker.database, config: { lostKeys } })
    try {
      await vi.waitFor(async () => expect((await other.api().get('/readyz')).body.degraded).toContain(`integration ${id}`), 5_000)
      expect((await other.admin.post(`/api/integrations/${id}/health`)).body).toMatchObject({ status: 503, code: 'unavailable' })
    } finally {
      await other.close()
    }
  })

  it('is made again in every replica when its integration changes', async () => {
    const theirs = new ToyTarget()
    const other = await startBroker({ plugins: [toyPlugin(theirs)], database: broker.database, key: broker.key })
    try {
      const { id } = await anIntegration()
      const look = () => broker.admin.must(other.admin.post(`/api/integrations/${id}/health`))
      await look()
      const opened = theirs.opened
      await broker.admin.must(broker.admin.patch(`/api/integrations/${id}`, { accessDetails: 'changed' }))
      await vi.waitFor(async () => {
        await look()
        expect(theirs.opened).toBeGreaterThan(opened)
      }, 5_000)
      await broker.admin.must(broker.admin.delete(`/api/integrations/${id}`))
      await vi.waitFor(async () => expect((await other.admin.post(`/api/integrations/${id}/health`)).status).toBe(404), 5_000)
    } finally {
      await other.close()
    }
  })
})

it('leaves no secret in any row, log line or answer', async () => {
  const tables = await broker.database.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  )
  const dump = await Promise.all(tables.map(({ name }) => broker.database.query(`select t::text from ${name} t`)))
  expect(JSON.stringify(dump)).not.toContain('canary')
  expect(broker.log.join('')).not.toContain('canary')
  expect((await broker.admin.get('/api/integrations?limit=200')).text).not.toContain('canary')
})

async function liveGrant(integrationId: string): Promise<void> {
  const n = ++made
  const q = (statement: string) => broker.database.query(statement)
  const [user] = await broker.database.query<{ id: string }>('select id from users limit 1')
  await q(`insert into access_flows (id, name, integration_id, active) values ('flw_${n}', 'f ${n}', '${integrationId}', false)`)
  await q(`insert into access_flow_versions (flow_id, version, rule) values ('flw_${n}', 1, '{}')`)
  await q(`insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, delivery, expires_at)
    values ('req_${n}', 'flw_${n}', 1, '${integrationId}', '${user!.id}', 'approved', 60, 'token', now())`)
  await q(
    `insert into action_runs (id, integration_id, action, input, state) values ('run_${n}', '${integrationId}', 'grant-access', '{}', 'executed')`,
  )
  await q(`insert into grants (id, request_id, integration_id, grantee_id, run_id, state, delivery, seconds, begins_at, expires_at)
    values ('grt_${n}', 'req_${n}', '${integrationId}', '${user!.id}', 'run_${n}', 'active', 'token', 60, now(), now() + interval '1 hour')`)
}
