import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { enqueue, putBackLost, withdraw } from '../../src/platform/due/due-work.ts'
import type { Tx } from '../../src/platform/postgres/database.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'

const GATE = 20_261_126
const WANTED = `select 'background' as lane, 'test' as kind, id as subject, '' as shard, clock_timestamp() as at from things`

let database: FreshDatabase
let pool: pg.Pool
let tx: Tx

beforeAll(async () => {
  database = await freshDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 4 })
  tx = { query: async (text: string, values?: unknown[]) => (await pool.query(text, values)).rows } as unknown as Tx
  await pool.query('create table things (id text primary key)')
})
afterAll(async () => {
  await pool?.end()
  await database?.drop()
})

it('queues work that has no row, and leaves work that has one', async () => {
  await pool.query(`insert into things values ('lost'), ('kept')`)
  await enqueue(tx, [{ lane: 'background', kind: 'test', subject: 'kept', shard: 's' }])
  expect(await putBackLost(tx, WANTED)).toBe(1)
  expect((await pool.query('select subject, shard from due_work order by 1')).rows).toEqual([
    { subject: 'kept', shard: 's' },
    { subject: 'lost', shard: '' },
  ])
  expect(await putBackLost(tx, WANTED)).toBe(0)
  await withdraw(tx, 'test', ['lost', 'kept'])
  await pool.query('delete from things')
})

it('takes nothing for lost that ends while it looks', async () => {
  await pool.query(`insert into things values ('ending')`)
  await enqueue(tx, [{ lane: 'background', kind: 'test', subject: 'ending' }])
  const gate = await pool.connect()
  await gate.query('select pg_advisory_lock($1)', [GATE])
  const looking = putBackLost(tx, `${WANTED}, pg_advisory_xact_lock_shared(${GATE})`)
  await waitFor('the look to stand before the gate', async () => {
    const { rows } = await pool.query(`select from pg_locks where locktype = 'advisory' and not granted`)
    return rows.length > 0
  })
  await pool.query('delete from things')
  await withdraw(tx, 'test', ['ending'])
  await gate.query('select pg_advisory_unlock($1)', [GATE])
  gate.release()
  expect(await looking).toBe(0)
  expect((await pool.query('select subject from due_work')).rows).toEqual([])
})
