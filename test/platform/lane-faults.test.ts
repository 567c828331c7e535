import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Handler, Hold } from '../../src/platform/due/due-lane.ts'
import { DueWork, enqueue, LANES } from '../../src/platform/due/due-work.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { type DatabaseWire, wireTo } from '../support/database-wire.ts'

const LEASE_MS = 30_000

describe('due work, on a way to the database that breaks without a word', () => {
  let database: FreshDatabase
  let wire: DatabaseWire
  let work: DueWork

  beforeEach(async () => {
    database = await freshDatabase()
    wire = await wireTo(database)
    work = new DueWork(wire.database.url)
  })
  afterEach(async () => {
    await work.beforeApplicationShutdown()
    await wire.close()
    await database.drop()
  })

  const direct = { query: async (text: string, values?: unknown[]) => database.query(text, values) } as never
  const put = (subject: string) => enqueue(direct, [{ lane: 'cut', kind: 'test', subject, shard: 's' }])
  const left = async () => (await database.query('select 1 from due_work')).length

  /** What was done, subject by subject, in its order. */
  function performing(handler: Handler = async () => new Map()): string[] {
    const done: string[] = []
    work.handle('cut', 'test', async (batch, hold) => {
      const outcomes = await handler(batch, hold)
      done.push(...batch.map(({ subject }) => subject))
      return outcomes
    })
    return done
  }

  async function isDone(done: string[], subject: string, withinMs?: number): Promise<void> {
    await waitFor(`${subject} to be done`, async () => done.includes(subject) && (await left()) === 0, withinMs)
  }

  it('is done although what stands before the database accepted connections and was silent for a while', async () => {
    const done = performing()
    wire.silence()
    work.onApplicationBootstrap()
    await waitFor('it to connect', async () => wire.begun > 0)
    wire.speak()
    await put('a')
    await isDone(done, 'a', 20_000)
  })

  it('is done although every connection is gone and nobody was told', async () => {
    const done = performing()
    work.onApplicationBootstrap()
    await put('a')
    await isDone(done, 'a')
    wire.silence()
    wire.speak()
    await put('b')
    await isDone(done, 'b', 20_000)
  })

  it('is done once more, and not for ever, when the presence alone has fallen silent', async () => {
    const holds: Hold[] = []
    const done = performing(async (_batch, hold) => {
      holds.push(hold)
      if (holds.length > 1) return new Map()
      wire.mute('latchkey-presence')
      await waitFor('it to notice', async () => !hold.isOurs(), 20_000)
      throw new Error('it is not ours any more')
    })
    work.onApplicationBootstrap()
    await put('a')
    await isDone(done, 'a', 20_000)
    expect(holds).toHaveLength(2)
  })

  it.each(['reset', 'silence'] as const)(
    'is done within a moment although the answer that it was taken was lost by %s',
    async (how) => {
      const done = performing()
      work.onApplicationBootstrap()
      await put('first')
      await isDone(done, 'first')
      // Looks that find nothing come before and after; the row is taken for a moment only.
      const struck = wire.loseRows('take-cut', how)
      await put('a')
      await struck
      await isDone(done, 'a', LEASE_MS / 2)
    },
  )

  it.each(['reset', 'silence'] as const)(
    'is not done twice because the answer that it is settled was lost by %s',
    async (how) => {
      const done = performing()
      work.onApplicationBootstrap()
      await put('first')
      await isDone(done, 'first')
      const struck = wire.loseAnswer('settle-cut', how)
      await put('a')
      await struck
      await put('b')
      await isDone(done, 'b', LEASE_MS / 2)
      expect(done).toEqual(['first', 'a', 'b'])
    },
  )

  it('keeps the pause it was given although the statement that says so never arrived', async () => {
    const attempts: number[] = []
    const done = performing(async (batch) => {
      attempts.push(batch[0]!.attempts)
      return new Map(attempts.length === 1 ? [[batch[0]!.id, 3_600_000]] : [])
    })
    work.onApplicationBootstrap()
    const struck = wire.loseStatement('settle-cut')
    await put('a')
    await struck
    await waitFor(
      'it to be put off',
      async () => {
        const [row] = await database.query(
          `select 1 from due_work where run_at > now() + interval '50 min' and locked_by is null`,
        )
        return row !== undefined
      },
      LEASE_MS / 2,
    )
    expect(done).toEqual(['a'])
  })

  it('is let go of when another process dies, and kept while it lives', async () => {
    const other = new DueWork(database.url)
    const gate = Promise.withResolvers<Map<string, number>>()
    const begun = Promise.withResolvers<void>()
    other.handle('cut', 'test', () => {
      begun.resolve()
      return gate.promise
    })
    other.onApplicationBootstrap()
    await put('a')
    await begun.promise
    const done = performing()
    work.onApplicationBootstrap()
    await put('b')
    await waitFor(
      'b to be done',
      async () =>
        done.includes('b') ||
        (await database.query(`select 1 from due_work where subject = 'b' and locked_by is not null`)).length > 0,
    )
    // What nobody has is let go of, and what somebody has who lives is not.
    await database.query(
      `insert into due_work (lane, kind, subject, shard, run_at, locked_by, locked_until)
       values ('cut', 'test', 'c', 's', now(), 'nobody', now() + interval '30 s')`,
    )
    const isLetGo = async () => (await database.query(`select 1 from due_work where locked_by = 'nobody'`)).length === 0
    await waitFor('that to be let go', isLetGo, LEASE_MS / 2)
    const [kept] = await database.query(`select attempts, locked_by is not null as locked from due_work where subject = 'a'`)
    expect(kept).toEqual({ attempts: 1, locked: true })
    expect(done).not.toContain('a')
    // As PostgreSQL sees it the process is gone; the row's lease has half a minute to go.
    await database.query(`select pg_terminate_backend(l.pid) from pg_locks l, due_work w
      where l.locktype = 'advisory' and w.subject = 'a' and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(w.locked_by, 0)`)
    await waitFor('a to be done', async () => done.includes('a'), LEASE_MS / 2)
    gate.resolve(new Map())
    await other.beforeApplicationShutdown()
  })

  it('says which lanes have not looked for ten seconds, and says so no longer when they do', async () => {
    performing()
    work.onApplicationBootstrap()
    await waitFor('it to connect', async () => wire.begun > 1)
    expect(work.silentLanes).toEqual([])
    wire.silence()
    await waitFor('it to be noticed', async () => work.silentLanes.length === Object.keys(LANES).length)
    wire.speak()
    await waitFor('it to be over', async () => work.silentLanes.length === 0)
  })
})
