import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { expectNothingLeft, type Stage, setStage } from '../support/stage.ts'

const FOLDERS = 300
const PER_SECOND = 20

describe('ending access', { timeout: 120_000 }, () => {
  let stage: Stage<Broker>

  beforeAll(async () => {
    stage = await setStage(startBroker)
  })
  afterAll(() => stage?.close())

  it('is on time while every connection of the API is busy', async () => {
    const { world, database, home } = stage
    const grantId = await world.grant(world.alice, { seconds: 5 })
    const opened = await world.open(world.alice, grantId)
    // By its end nobody takes for granted that the integration is as it was.
    const busy = Promise.all(Array.from({ length: 5 }, () => home.app.get(Database).pool.query('select pg_sleep(12)')))
    let areBusy = true
    void busy.then(() => {
      areBusy = false
    })
    await waitFor('it to be over', async () => {
      const over = await database.query(`select 1 from grants where id = $1 and state = 'expired'`, [grantId])
      return over.length > 0
    })
    expect(areBusy).toBe(true)
    await busy
    await expectNothingLeft(stage, opened)
  })

  it('goes before a discovery that a server with a quota holds up', async () => {
    const { world, vault, database, home } = stage
    await Promise.all(
      Array.from({ length: FOLDERS }, (_, n) => vault.api('POST', `kv/data/many/f${n}/secret`, { data: { value: 'plum' } })),
    )
    const ids: string[] = []
    for (let n = 0; n < 10; n += 1) ids.push(await world.grant(world.alice, {}))
    await vault.api('POST', 'sys/quotas/rate-limit/few', { rate: PER_SECOND, interval: '1s' })
    try {
      await home.admin.must(home.admin.post(`/api/integrations/${world.integrationId}/sync`))
      await waitFor('the quota to be felt', async () => {
        const since = performance.now()
        const { status } = await vault.api('GET', 'kv/data/app/db')
        return status === 429 || performance.now() - since > 5_000
      })
      await Promise.all(ids.map((id) => world.alice.api.post(`/api/grants/${id}/give-back`)))
      await waitFor('all to be powerless', async () => {
        const cut = await database.query('select 1 from grants where id = any($1) and cut_at is not null', [ids])
        return cut.length === ids.length
      })
      const { state } = await home.admin.must(home.admin.get(`/api/integrations/${world.integrationId}/sync`))
      expect(state).toBe('running')
    } finally {
      await waitFor('the quota to be gone', async () => (await vault.api('DELETE', 'sys/quotas/rate-limit/few')).status < 300)
    }
    for (const id of ids) await world.until(world.alice, id, 'revoked')
    await waitFor('the discovery to be complete', async () => {
      const sync = await home.admin.must(home.admin.get(`/api/integrations/${world.integrationId}/sync`))
      return sync.state === 'completed'
    })
    await expectNothingLeft(stage)
  })
})

describe('reading the whole audit trail', () => {
  let broker: Broker
  let holder: pg.Client

  beforeAll(async () => {
    broker = await startBroker()
    holder = new pg.Client({ connectionString: broker.database.url })
    await holder.connect()
  })
  afterAll(async () => {
    await holder?.end()
    await broker?.close()
  })

  it.each([
    ['verified', 1, '%left join audit_events%', () => broker.admin.post('/api/audit/verify')],
    ['exported', 2, '%min(seq)%', () => broker.admin.get('/api/audit/export')],
  ] as const)('is %s by %i at a time, and the next one is told when to come again', async (_name, many, statement, read) => {
    await holder.query('begin')
    await holder.query('lock table audit_chain in access exclusive mode')
    const first = Array.from({ length: many }, read)
    await waitFor('them to be under way', async () => {
      const waiting = await broker.database.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like $1`,
        [statement],
      )
      return waiting.length === many
    })
    const refused = await read()
    expect(refused.status).toBe(429)
    expect(refused.body.code).toBe('rate.limited')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await holder.query('rollback')
    for (const answer of await Promise.all(first)) expect(answer.status).toBe(200)
    expect((await read()).status).toBe(200)
  })
})
