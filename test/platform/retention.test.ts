import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startBroker } from '../support/broker.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

describe('what is kept', () => {
  let toys: ToyGrants
  let database: FreshDatabase

  beforeAll(async () => {
    database = await freshDatabase()
    toys = await startToyGrants(2, { database })
  })
  afterAll(async () => {
    await toys?.close().catch(() => {})
    await database?.drop()
  })

  const query = <Row extends object>(statement: string, values: unknown[] = []) =>
    database.query<Row & Record<string, unknown>>(statement, values)

  async function over(): Promise<string> {
    const grantId = await toys.grant()
    expect(await toys.open(grantId)).toBeLessThan(300)
    await toys.giveBack(grantId)
    await toys.until(grantId, 'revoked')
    return grantId
  }

  it('of grants that are long over is the grant with its receipt and the trail, and of others everything', async () => {
    const old = await over()
    const young = await over()
    const live = await toys.grant()
    const events = (await query('select 1 from audit_events')).length
    const past = `clock_timestamp() - interval '400 d'`
    await query(`update grants set ended_at = ${past} where id = $1`, [old])
    await query(`update action_runs set settled_at = ${past} where id = $1`, [old.replace('grt_', 'run_')])
    await query(
      `insert into notification_deliveries (id, event_id, kind, channel, target, state, settled_at)
       values ('a', 'e', 'k', 'email', 't', 'sent', ${past}), ('b', 'e', 'k', 'email', 'u', 'dead', clock_timestamp()), ('c', 'e', 'k', 'email', 'v', 'waiting', null)`,
    )
    await query(`update due_work set run_at = now(), version = version + 1 where kind = 'retention'`)
    await query(`select pg_notify('due_work', 'background')`)
    await waitFor('the old to be gone', async () => {
      const left = await query(
        `select 1 from openings where grant_id = $1 union all select 1 from action_steps where run_id = $2
         union all select 1 from notification_deliveries where id = 'a'`,
        [old, old.replace('grt_', 'run_')],
      )
      return left.length === 0
    })
    expect(await query('select 1 from openings where grant_id = $1', [young])).toHaveLength(1)
    const runs = [young, live].map((id) => id.replace('grt_', 'run_'))
    expect(await query('select 1 from action_steps where run_id = any($1)', [runs])).toHaveLength(4)
    expect(await query(`select id from notification_deliveries where id in ('a', 'b', 'c') order by id`)).toEqual([
      { id: 'b' },
      { id: 'c' },
    ])
    const [kept] = await query<{ receipt: object }>('select receipt from grants where id = $1', [old])
    expect(kept?.receipt).toBeTruthy()
    expect((await query('select 1 from audit_events')).length).toBeGreaterThanOrEqual(events)
    expect((await toys.broker.admin.post('/api/audit/verify')).body).toMatchObject({ ok: true })
  })

  it('of the schedule of an integration is everything, though a replica lacks its plugin', async () => {
    const { key } = toys.broker
    const [before] = await query<{ id: string }>(`select id from due_work where kind = 'integration.discover'`)
    expect(before).toBeDefined()
    await toys.close()
    const without = await startBroker({ database, key, plugins: [] })
    try {
      await query(`update due_work set run_at = now(), version = version + 1 where kind = 'integration.discover'`)
      await query(`select pg_notify('due_work', 'background')`)
      await waitFor('it to be put off', async () => {
        const put = await query(`select 1 from due_work where kind = 'integration.discover' and run_at > now() + interval '20 s'`)
        return put.length > 0
      })
    } finally {
      await without.close()
    }
  })
})
