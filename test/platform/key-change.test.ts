import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Sealer } from '../../src/platform/sealing/sealing.ts'
import { type Broker, type BrokerOptions, startBroker } from '../support/broker.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

let database: FreshDatabase
let integrationId: string
const first = randomBytes(32)
const idOf = (key: Buffer) => new Sealer(key).keyId
const running = new Set<Broker>()

async function start(key: Buffer, config = {}, others: Pick<BrokerOptions, 'formerKeys' | 'nextKeys'> = {}): Promise<Broker> {
  const broker = await startBroker({ plugins: [toyPlugin(new ToyTarget())], database, key, ...others, config })
  running.add(broker)
  return broker
}

async function stop(broker: Broker): Promise<void> {
  running.delete(broker)
  await broker.close()
}

/** Ids of the keys that anything anywhere in the database is sealed with. */
async function keysInUse(): Promise<string[]> {
  const tables = await database.query<{ name: string }>(`select tablename as name from pg_tables where schemaname = 'public'`)
  const found = await Promise.all(
    tables.map(({ name }) =>
      database.query<{ key: string }>(
        `select distinct (regexp_matches(t::text, 'lk[0-9]\\.([A-Za-z0-9_-]{8})\\.', 'g'))[1] as key from ${name} t`,
      ),
    ),
  )
  return [...new Set(found.flat().map(({ key }) => key))].toSorted()
}

beforeAll(async () => {
  database = await freshDatabase()
  const broker = await start(first)
  const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }
  integrationId = (await broker.admin.must(broker.admin.post('/api/integrations', { name: 'toys', plugin: 'toy', config }))).id
  const webhook = { name: 'hook', url: 'https://93.184.215.14/hook', events: ['*'] }
  const { id } = await broker.admin.must(broker.admin.post('/api/webhooks', webhook))
  await broker.admin.must(broker.admin.post(`/api/webhooks/${id}/rotate`, { overlapSeconds: 3600 }))
  await stop(broker)
  const careful = await start(first, { fourEyes: true })
  const proposed = await careful.admin.post('/api/integrations', { name: 'more toys', plugin: 'toy', config, skipTest: true })
  expect(proposed.status).toBe(202)
  await database.query(
    `insert into action_runs (id, integration_id, action, input, state) values ('run_1', $1, 'grant-access', '{}', 'executed')`,
    [integrationId],
  )
  for (let position = 0; position < 250; position += 1) {
    await database.query(
      `insert into action_steps (run_id, position, kind, target, summary, args, sealed) values ('run_1', $1, 'k', 't', 's', '{}', $2)`,
      [position, new Sealer(first).seal('x', { table: 'action_steps', row: `run_1/${position}`, column: 'sealed' })],
    )
  }
  await stop(careful)
})
afterAll(async () => {
  for (const broker of running) await broker.close()
  await database.drop()
})

const works = async (broker: Broker) =>
  expect(await broker.admin.post(`/api/integrations/${integrationId}/health`)).toMatchObject({ status: 200 })

describe('the key', () => {
  it('must be the one that what is stored was sealed with: the start is refused, with the ids and the way out', async () => {
    const wrong = randomBytes(32)
    const starting = start(wrong)
    await expect(starting).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(new RegExp(`was sealed with key ${idOf(first)}, but the broker has ${idOf(wrong)}`)),
      fix: expect.stringContaining(`LATCHKEY_LOST_KEYS=${idOf(first)}`),
    })
    expect(await keysInUse()).toEqual([idOf(first)])
  })

  it('is changed in steps, with everything at work throughout, and everything sealed comes under the new one', async () => {
    const second = randomBytes(32)
    // A change that was cut short has done these already.
    await database.query(`update action_steps set sealed = $1 where position = 7`, [
      new Sealer(second).seal('x', { table: 'action_steps', row: 'run_1/7', column: 'sealed' }),
    ])
    const knowsBoth = await start(first, {}, { nextKeys: [second] }) // a replica that is not there yet
    const next = await start(second, {}, { formerKeys: [first] })
    await works(knowsBoth)
    await works(next)
    await vi.waitFor(async () => expect(await keysInUse()).toEqual([idOf(second)]), 20_000)
    await works(knowsBoth)
    await stop(knowsBoth)
    await stop(next)
    const alone = await start(second)
    await works(alone)
    const [proposal] = (await alone.admin.get('/api/proposals?state=open')).body.items
    const accepted = await alone.admin.post(`/api/proposals/${proposal.id}/accept`)
    expect(accepted.status).toBeLessThan(300)
    await stop(alone)
    await expect(start(first)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('may be lost: the start goes through when told so, and what it sealed is entered again', async () => {
    const [before] = await keysInUse()
    const third = randomBytes(32)
    const lost = await start(third, { lostKeys: [before!] })
    expect(await lost.admin.post(`/api/integrations/${integrationId}/health`)).toMatchObject({ status: 503 })
    const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }
    await lost.admin.must(lost.admin.patch(`/api/integrations/${integrationId}`, { config }))
    await works(lost)
    await stop(lost)
  })
})
