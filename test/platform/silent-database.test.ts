import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { freshDatabase } from '../support/database.ts'
import { type DatabaseWire, wireTo } from '../support/database-wire.ts'
import { expectNothingLeft, getsIn, type Stage, setStage } from '../support/stage.ts'

const SECONDS = 8
/** From the end of a grant until it is over, though the way to the database had to be found again. A lease would take as long again. */
const SOON_MS = 20_000

describe('a broker whose database', () => {
  let stage: Stage<Broker>
  let wire: DatabaseWire

  beforeAll(async () => {
    const database = await freshDatabase()
    wire = await wireTo(database)
    stage = await setStage(async () => ({ ...(await startBroker({ database: wire.database })), database }))
  })
  afterEach(() => waitFor('it to be ready again', ready))
  afterAll(async () => {
    await stage?.close()
    await wire?.close()
    await stage?.database.drop()
  })

  const readyz = () => stage.home.api().get('/readyz')
  const ready = async () => (await readyz()).status === 200

  it('vanished without a word and was there again ends the access all the same, and gives new', async () => {
    const { world, database } = stage
    const grantId = await world.grant(world.alice, { seconds: SECONDS })
    const opened = await world.open(world.alice, grantId)
    expect(await getsIn(stage.vault, opened)).toBe(true)
    const [grant] = await database.query<{ at: Date }>('select expires_at as at from grants where id = $1', [grantId])
    await waitFor('its end to be near', async () => Date.now() > grant!.at.getTime() - 2_000)
    wire.silence()
    wire.speak()
    await waitFor(
      'it to be over',
      async () => {
        const over = await database.query(`select 1 from grants where id = $1 and state = 'expired'`, [grantId])
        return over.length > 0 && Date.now() > grant!.at.getTime()
      },
      SOON_MS,
    )
    await expectNothingLeft(stage, opened)
    await world.grant(world.alice, { seconds: SECONDS })
    await expectNothingLeft(stage)
  })

  it('accepts connections and stays silent is not ready, and is again when it answers', async () => {
    wire.silence()
    await waitFor('it to be noticed', async () => (await readyz()).status === 503)
    wire.speak()
    await waitFor('it to be ready again', ready)
  })

  it('takes no writes any more is not ready, and says to callers that it is unavailable', async () => {
    const { database, home } = stage
    const [{ name } = { name: '' }] = await database.query<{ name: string }>('select current_database() as name')
    await database.query(`alter database ${name} set default_transaction_read_only = on`)
    // What was connected before goes on writing, as it does not when a primary becomes a standby.
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    try {
      await waitFor('it to be noticed', async () => (await readyz()).body.message?.includes('takes no writes'))
      const refused = await home.admin.post('/api/users', { name: 'somebody', roles: ['member'] })
      expect(refused.status).toBe(503)
      expect(refused.body.code).toBe('unavailable')
    } finally {
      await database.query(`begin read write; alter database ${name} reset default_transaction_read_only; commit`)
    }
    await waitFor('it to be ready again', ready)
    await home.admin.must(home.admin.post('/api/users', { name: 'somebody', roles: ['member'] }))
  })
})
