import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Hold, Lane, type LaneOptions, type Work } from '../../src/platform/due/due-lane.ts'
import { DueRows } from '../../src/platform/due/due-rows.ts'
import { enqueue } from '../../src/platform/due/due-work.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'

const OPTIONS: LaneOptions = { batch: 10, perShard: 10, leaseSeconds: 30 }
const WISH = { limit: 10, without: [], kinds: ['test'] }

describe('a lane', () => {
  let database: FreshDatabase
  let pool: pg.Pool
  const lanes: Lane[] = []
  const gates: PromiseWithResolvers<Map<string, number>>[] = []

  beforeEach(async () => {
    database = await freshDatabase()
    pool = new pg.Pool({ connectionString: database.url, max: 6 })
    pool.on('error', () => {}) // what is still idle when the database goes
  })
  afterEach(async () => {
    for (const gate of gates.splice(0)) gate.resolve(new Map())
    await Promise.all(lanes.splice(0).map((lane) => lane.stop()))
    await pool.end()
    await database.drop()
  })

  const direct = { query: async (text: string, values?: unknown[]) => database.query(text, values) } as never
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000)

  function put(
    subjects: readonly string[],
    where: { lane?: 'cut' | 'clean' | 'background'; shard?: string; kind?: string; at?: Date } = {},
  ) {
    const { lane = 'cut', shard = 's', kind = 'test', at = ago(60) } = where
    return enqueue(
      direct,
      subjects.map((subject) => ({ lane, kind, subject, shard, at })),
    )
  }

  /** A lane that takes work and keeps it in hand until told. */
  function holding(options: Partial<LaneOptions> = {}, name = 'cut') {
    const held: Work[] = []
    const holds: Hold[] = []
    const gate = Promise.withResolvers<Map<string, number>>()
    gates.push(gate)
    const who = randomUUID()
    const lane = new Lane(name, { ...OPTIONS, ...options }, pool, { now: { name: who, isOver: false }, names: [who] }, () => {})
    lane.handlers.set('test', (batch, hold) => {
      held.push(...batch)
      holds.push(hold)
      return gate.promise
    })
    lanes.push(lane)
    lane.start()
    return { held, holds, lane, letGo: () => gate.resolve(new Map()) }
  }

  const rowsOf = (lane = 'cut', leaseSeconds = 30) => new DueRows(pool, lane, leaseSeconds)
  const subjects = (works: readonly Work[]) => works.map(({ subject }) => subject)
  const inHand = async (many: number, held: readonly Work[]) => waitFor(`${many} in hand`, async () => held.length >= many)

  it('takes the oldest first, and what was tried again keeps the place it had', async () => {
    await put(['second'], { at: ago(20) })
    await put(['third'], { at: ago(10) })
    await put(['first'], { at: ago(30) })
    const rows = rowsOf()
    const [taken] = await rows.take('me', { ...WISH, limit: 1 })
    expect(taken?.subject).toBe('first')
    await rows.settle('me', [], [{ ...taken!, ms: 1 }], null)
    await waitFor('it to be due again', async () => (await rows.untilNext(['test']))! <= 0)
    const again = await waitFor('all three', async () => {
      const all = await rows.take('me', WISH)
      return all.length === 3 && all
    })
    expect(subjects(again)).toEqual(['first', 'second', 'third'])
  })

  it('gives what goes on by its schedule no place before what is due for the first time', async () => {
    await put(['often'], { at: ago(600) })
    const rows = rowsOf()
    const [taken] = await rows.take('me', WISH)
    await rows.settle('me', [], [{ ...taken!, ms: 300_000 }], null)
    const [row] = await database.query('select due_since from due_work')
    expect(row).toEqual({ due_since: null })
  })

  it('never takes more than it asked for, whatever the planner thinks of the table', async () => {
    await put(['only'])
    await database.query('analyze due_work')
    await put(Array.from({ length: 60 }, (_, index) => `w${index}`))
    const client = await pool.connect()
    await client.query('set enable_sort = off; set enable_hashagg = off; set enable_material = off; set enable_hashjoin = off')
    const rows = new DueRows({ query: client.query.bind(client) } as unknown as pg.Pool, 'cut', 30)
    try {
      expect(await rows.take('me', { ...WISH, limit: 4 })).toHaveLength(4)
      const locked = await database.query('select 1 from due_work where locked_by is not null')
      expect(locked).toHaveLength(4)
    } finally {
      client.release(true)
    }
  })

  it('leaves work of a kind it does not know to others', async () => {
    await put(['a'], { kind: 'of a later version' })
    await put(['b'])
    const { held } = holding()
    await inHand(1, held)
    const [left] = await database.query(`select attempts, locked_by from due_work where subject = 'a'`)
    expect(left).toEqual({ attempts: 0, locked_by: null })
    const rows = rowsOf()
    expect(subjects(await rows.take('newer', { ...WISH, kinds: ['of a later version'] }))).toEqual(['a'])
  })

  it('is not filled by one shard', async () => {
    await put(
      Array.from({ length: 9 }, (_, index) => `sick ${index}`),
      { shard: 'sick', at: ago(60) },
    )
    await put(['well'], { shard: 'well', at: ago(10) })
    const { held } = holding({ batch: 1, perShard: 2 })
    await inHand(3, held)
    expect(subjects(held)).toContain('well')
    expect(held.filter(({ shard }) => shard === 'sick')).toHaveLength(2)
  })

  it('with a limit of its own leaves room for shards that have nothing in hand', async () => {
    for (const shard of ['a', 'b', 'c', 'd']) await put([`${shard}1`, `${shard}2`], { shard, at: ago(60) })
    const { held } = holding({ batch: 1, perShard: 2, atOnce: 4 })
    await inHand(4, held)
    expect(Map.groupBy(held, ({ shard }) => shard).size).toBe(3) // two of the first, and then one of each
    expect(held).toHaveLength(4)
  })

  it('holds work back while its shard has work in the lane that goes first', async () => {
    await put(['cut a'], { lane: 'cut', shard: 'a' })
    await put(['clean a'], { lane: 'clean', shard: 'a', at: ago(100) })
    await put(['clean b'], { lane: 'clean', shard: 'b' })
    const { held } = holding({ yieldsTo: 'cut' }, 'clean')
    await inHand(1, held)
    expect(subjects(held)).toEqual(['clean b'])
    await database.query(`delete from due_work where subject = 'cut a'`)
    await inHand(2, held)
    expect(subjects(held)).toEqual(['clean b', 'clean a'])
  })

  it('keeps what it works on for as long as it works, past every lease', async () => {
    await put(['long'])
    const first = holding({ leaseSeconds: 3 })
    await inHand(1, first.held)
    const [before] = await database.query<{ until: Date }>('select locked_until as until from due_work')
    const other = holding({ leaseSeconds: 3 })
    await waitFor('two leases to be over', async () => {
      const [row] = await database.query('select 1 from due_work where clock_timestamp() > $1::timestamptz + interval $$4 s$$', [
        before!.until,
      ])
      return row !== undefined
    })
    const since = performance.now()
    other.lane.wake()
    await waitFor('the other to look', async () => other.lane.lookedAt > since)
    expect([first.held.length, other.held.length], 'taken once, and by nobody again').toEqual([1, 0])
    expect(first.holds[0]!.isOurs()).toBe(true)
    first.letGo()
    await waitFor('it to be settled', async () => (await database.query('select 1 from due_work')).length === 0)
    expect(other.held).toEqual([])
  })

  it('may not act any more on what another one took, and settles nothing of it', async () => {
    await put(['a'])
    const rows = rowsOf()
    const [mine] = await rows.take('me', WISH)
    await database.query(`update due_work set locked_until = clock_timestamp() - interval '1 s'`)
    expect(await rows.renew('me', [mine!.id]), 'a lease that is over is over').toBe(false)
    const [theirs] = await rows.take('other', WISH)
    expect(theirs?.attempts).toBe(2)
    expect(await rows.renew('me', [mine!.id])).toBe(false)
    await rows.settle('me', [mine!], [], null)
    await rows.settle('me', [], [{ ...mine!, ms: 0 }], 'late')
    await rows.settle('other', [mine!], [], null) // even by the name of the one that has it now: it was another attempt
    const [row] = await database.query('select locked_by, attempts, last_error from due_work')
    expect(row).toEqual({ locked_by: 'other', attempts: 2, last_error: null })
  })

  it('may not act any more when its lease is over and was not renewed', async () => {
    await put(['a'])
    const { held, holds } = holding({ leaseSeconds: 3 })
    await inHand(1, held)
    expect(holds[0]!.isOurs()).toBe(true)
    await database.query(`update due_work set locked_by = 'other'`)
    await waitFor('it to be over', async () => !holds[0]!.isOurs())
  })

  it('does once more what was put down again while it was done', async () => {
    await put(['a'])
    const rows = rowsOf()
    const [mine] = await rows.take('me', WISH)
    await put(['a'])
    await rows.settle('me', [mine!], [], null)
    expect(subjects(await rows.take('me', WISH))).toEqual(['a'])
  })

  it('settles nothing of what was put down again and taken since, though it is the same attempt by the same name', async () => {
    await put(['a'])
    const rows = rowsOf()
    const [former] = await rows.take('me', WISH)
    await put(['a'])
    await database.query(`update due_work set locked_until = clock_timestamp() - interval '1 s'`)
    const [latter] = await rows.take('me', WISH)
    expect(latter).toMatchObject({ attempts: former!.attempts })
    await rows.settle('me', [former!], [], null)
    expect(await database.query('select subject from due_work')).toEqual([{ subject: 'a' }])
  })

  it('lets go of what bears its name and is not in its hand, and of nothing else', async () => {
    await put(['lost', 'mine', 'theirs'])
    const rows = rowsOf()
    await database.query(
      `update due_work set attempts = 1, locked_until = clock_timestamp() + interval '30 s', locked_by = case when subject = 'theirs' then 'other' else 'me' end`,
    )
    const [mine] = await database.query<{ id: string }>(`select id from due_work where subject = 'mine'`)
    expect(await rows.free(['before', 'me'], [mine!.id])).toBe(1)
    const free = await database.query('select subject from due_work where locked_by is null')
    expect(free).toEqual([{ subject: 'lost' }])
  })
})
