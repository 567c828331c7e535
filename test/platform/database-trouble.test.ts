import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { freshDatabase } from '../support/database.ts'
import { type DatabaseWire, wireTo } from '../support/database-wire.ts'
import { pass } from '../support/fault-proxy.ts'
import { expectExact, expectNothingLeft, type Stage, setStage } from '../support/stage.ts'

const WRITE_USER = { name: 'POST auth/apono/users/:user', nth: 1 }

describe('a grant that is being provisioned', () => {
  let stage: Stage<Broker>
  let wire: DatabaseWire

  beforeAll(async () => {
    const database = await freshDatabase()
    wire = await wireTo(database)
    stage = await setStage(async () => ({ ...(await startBroker({ database: wire.database })), database }))
  })
  beforeEach(() => stage.proxy.begin())
  afterAll(async () => {
    await stage?.close()
    await wire?.close()
    await stage?.database.drop()
  })

  /** Provisions one grant while something happens to the database between its steps. */
  async function provisionThrough(trouble: (grantId: string) => Promise<unknown>): Promise<string> {
    const { world, proxy, database } = stage
    const flow = await world.flow()
    let grantId = ''
    const struck = proxy.strike(WRITE_USER, async (call) => {
      const [grant] = await database.query<{ id: string }>('select id from grants where ended_at is null')
      grantId = grant!.id
      await trouble(grantId)
      await pass(call)
    })
    // Who asks at that very moment may be told to ask again.
    await Promise.allSettled([world.request(world.alice, { flowId: flow.id }), struck])
    await struck
    await waitFor('the grant to be active', async () => {
      const [grant] = await database.query<{ state: string }>('select state from grants where id = $1', [grantId])
      if (grant?.state === 'revoking' || grant?.state === 'failed') throw new Error('the grant was given up')
      return grant?.state === 'active'
    })
    return grantId
  }

  async function expectUnharmed(grantId: string): Promise<void> {
    await expectExact(stage, grantId)
    await expectNothingLeft(stage)
    // The reconciler would have noticed within ten seconds. Nobody needs to wait for it.
    expect(stage.home.log.filter((line) => line.includes('put lost due work back'))).toEqual([])
  }

  it('becomes active although the daemon was without its presence for a moment', async () => {
    const grantId = await provisionThrough(() =>
      stage.database.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'latchkey-presence' and datname = current_database()`),
    )
    await expectUnharmed(grantId)
  })

  it('becomes active although its transaction was cut off', async () => {
    const holder = new pg.Client({ connectionString: stage.database.url })
    await holder.connect()
    const cutOff = Promise.withResolvers<void>()
    const provisioned = provisionThrough(async (grantId) => {
      await holder.query('begin')
      await holder.query('select 1 from grants where id = $1 for update', [grantId])
      void waitFor('the next step to wait for the row', async () => {
        const ended = await stage.database.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'latchkey' and wait_event_type = 'Lock' and datname = current_database()`)
        return ended.length > 0
      }).then(() => cutOff.resolve(), cutOff.reject)
    })
    await cutOff.promise
    await holder.query('rollback')
    await holder.end()
    await expectUnharmed(await provisioned)
  })

  it('becomes active although every connection was lost and the database did not notice', async () => {
    const grantId = await provisionThrough(async () => wire.breakUnnoticed())
    await expectUnharmed(grantId)
  })

  it('becomes active among more that become so at the same moment than there are connections', async () => {
    const { world, proxy } = stage
    const gate = Promise.withResolvers<void>()
    let waiting = 0
    proxy.always(async (call) => {
      const reply = await call.forward()
      if (call.name === 'POST sys/policies/acl/:policy') {
        waiting += 1
        await gate.promise
      }
      await call.reply(reply)
    })
    const flow = await world.flow()
    const asked = await Promise.all(Array.from({ length: 12 }, () => world.request(world.alice, { flowId: flow.id })))
    await waitFor('all to be about to become active', async () => waiting === asked.length)
    // By then nobody takes for granted that the integration is as it was.
    const at = performance.now()
    await waitFor('the connection to be old', async () => performance.now() - at > 1_500)
    gate.resolve()
    for (const { grantId } of asked) await world.until(world.alice, grantId!, 'active', 5_000)
    proxy.always(undefined)
    await expectNothingLeft(stage)
  })
})
