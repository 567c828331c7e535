import type { Request, Response } from 'express'
import { DataSource } from 'typeorm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AuditEvent, record } from '../../src/audit/record.ts'
import { verify, verifyWithin } from '../../src/audit/verify.ts'
import type { AuditVerdict } from '../../src/contract/audit.ts'
import { calledWith, calls } from '../../src/platform/http/call.ts'
import { Database, dataSourceOptions, rows, type Tx } from '../../src/platform/postgres/database.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import { draws } from '../support/draws.ts'
import { deletions, EVENTS, edits, heads, insertions, moves } from '../support/tampering.ts'

const WRITERS = 16
const SEED = 20251122

let fresh: FreshDatabase
let database: Database

beforeAll(async () => {
  fresh = await freshDatabase({ madeUpEvents: true })
  database = new Database(await new DataSource(dataSourceOptions(fresh.url, WRITERS + 4)).initialize())
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => inCall(writer, () => write(writer, EVENTS / WRITERS))))
})
afterAll(async () => {
  await database?.onApplicationShutdown()
  await fresh?.drop()
})

/** Half of the writers answer a call, and the others do work that nobody waits for. */
function inCall<T>(writer: number, work: () => Promise<T>): Promise<T> {
  if (writer % 2 === 0) return work()
  return new Promise((resolve) => {
    calls({ ip: `10.0.0.${writer}` } as Request, {} as Response, () => {
      calledWith('usr_zoe', `tok_${writer}`, writer % 3 === 0 ? ['usr_a', 'usr_b'] : [])
      resolve(work())
    })
  })
}

/** One of several who write at the same time, one to three events in a transaction; some transactions come to nothing. */
async function write(writer: number, many: number): Promise<void> {
  const draw = draws(SEED + writer)
  for (let left = many; left > 0; ) {
    const events = Array.from({ length: Math.min(left, 1 + draw(3)) }, () => ({
      kind: (['grant.active', 'grant.revoked', 'request.submitted'] as const)[draw(3)]!,
      actor: `usr_${writer}`,
      subject: `grt_${draw(50)}`,
      data: { note: `„${draw(1000)}“ \u001f \n 🔑`, left },
    }))
    const fails = draw(10) === 0
    await database
      .transaction(async (tx) => {
        await record(tx, ...(events as unknown as AuditEvent[]))
        if (fails) throw new Error('never mind')
      })
      .catch((error: Error) => expect(error.message).toBe('never mind'))
    if (!fails) left -= events.length
  }
}

/** What verifying finds after somebody with every right did this. Nothing of it stays. */
async function afterTampering(tamper: (tx: Tx) => Promise<void>): Promise<AuditVerdict> {
  let verdict: AuditVerdict | undefined
  const undo = new Error('undo')
  await database
    .transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica') // no trigger fires, no foreign key is checked
      await tx.query('alter table audit_chain drop constraint audit_chain_links_once')
      await tamper(tx)
      verdict = await verifyWithin(tx)
      throw undo
    })
    .catch((error: unknown) => expect(error).toBe(undo))
  return verdict!
}

it('keeps one chain without a gap, in the order of the commits, however many write at once', async () => {
  expect(await verify(database)).toEqual({
    ok: true,
    events: EVENTS,
    head: { seq: EVENTS, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    findings: [],
  })
  const each = await rows<{ at: Date; actor: string }>(
    database.pool,
    'select e.at, e.actor from audit_chain c join audit_events e on e.id = c.event_id order by c.seq',
  )
  // A caller who writes one transaction after the other finds the events in that order.
  for (const ofWriter of Map.groupBy(each, ({ actor }) => actor).values()) {
    const times = ofWriter.map(({ at }) => at.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  }
})

it.each([
  ['edited', edits, 10],
  ['deleted', deletions, 10],
  ['inserted', insertions, 5],
  ['moved', moves, 15],
  ['cut from its head', heads, 2],
] as const)('notices when something was %s by somebody with every right', { timeout: 120_000 }, async (_, ways, times) => {
  const draw = draws(SEED)
  for (const [what, way] of Object.entries(ways)) {
    for (let time = 0; time < times; time++) {
      const seq = 1 + (time === 0 ? 0 : time === 1 ? EVENTS - 1 : draw(EVENTS))
      const other = 1 + ((seq + draw(EVENTS - 1)) % EVENTS)
      const [statement, values] = way(seq, other, draw)
      const verdict = await afterTampering(async (tx) => void (await tx.query(statement, values)))
      expect(verdict.ok, `${what} at ${seq} (and ${other})`).toBe(false)
      expect(verdict.findings.length).toBeGreaterThan(0)
    }
  }
})

it.each([
  ['edited', 1500, edits["an event's actor"]!],
  ['edited', 1500, edits["a link's hash"]!],
  ['deleted', 1500, deletions['an event']!],
  ['deleted', 1500, deletions['an event and its link']!],
  ['deleted', EVENTS - 9, () => deletions['everything from a link on']!(EVENTS - 9, 0, () => 0)],
  ['head', EVENTS, heads["the head's hash"]!],
] as const)('says that it was %s, and where (%i)', async (kind, seq, way) => {
  const [statement, values] = way(1500, 700, () => 3)
  const { findings } = await afterTampering(async (tx) => void (await tx.query(statement, values)))
  expect(findings).toEqual([expect.objectContaining({ kind, seq })])
})

it('names both places when two events, two links or two neighbours changed places', async () => {
  for (const way of [moves['two events']!, moves['two links']!]) {
    for (const [seq, other] of [
      [700, 1500],
      [700, 701],
    ] as const) {
      const [statement, values] = way(seq, other, () => 0)
      const { findings } = await afterTampering(async (tx) => void (await tx.query(statement, values)))
      expect(findings).toMatchObject([
        { kind: 'reordered', seq },
        { kind: 'reordered', seq: other },
      ])
    }
  }
})

it('lists a hundred findings at most', async () => {
  const verdict = await afterTampering(async (tx) => void (await tx.query(`update audit_events set actor = 'broker'`)))
  expect(verdict).toMatchObject({ ok: false, events: EVENTS })
  expect(verdict.findings).toHaveLength(100)
})

it('cannot be changed through the broker’s own connection', async () => {
  for (const table of ['audit_events', 'audit_chain']) {
    for (const statement of [
      `update ${table} set ${table === 'audit_chain' ? 'hash = hash' : 'kind = kind'}`,
      `delete from ${table}`,
      `truncate ${table} cascade`,
    ]) {
      await expect(database.pool.query(statement), statement).rejects.toThrow('the audit trail is append-only')
    }
  }
  expect((await verify(database)).ok).toBe(true)
})

it('holds up while others write', async () => {
  const before = await verify(database)
  const writing = Promise.all([write(1, 60), write(2, 60)])
  const during = await Promise.all(Array.from({ length: 10 }, () => verify(database)))
  await writing
  expect(during.filter(({ ok }) => !ok)).toEqual([])
  expect(await verify(database)).toMatchObject({ ok: true, events: before.events + 120 })
})

it('links as quickly while somebody looks at an old snapshot, and in a transaction of thousands', async () => {
  const other = await freshDatabase({ madeUpEvents: true })
  const source = await new DataSource(dataSourceOptions(other.url, 2)).initialize()
  const snapshot = source.createQueryRunner()
  const events = (many: number) =>
    source.transaction((tx) =>
      record(
        tx,
        ...Array.from({ length: many }, () => ({
          kind: 'rotation.asked' as const,
          actor: 'usr_1',
          subject: 'grt_1',
          data: { reason: '' },
        })),
      ),
    )
  /** pages of the head's table and index that were read so far */
  const reads = async (): Promise<number> => {
    await source.query('select pg_stat_force_next_flush()')
    const [{ read }] = await source.query(
      `select heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read as read from pg_statio_user_tables where relname = 'audit_head'`,
    )
    return Number(read)
  }
  try {
    await snapshot.startTransaction('REPEATABLE READ')
    await snapshot.query('select count(*) from audit_head')
    await events(4_000)
    const before = await reads()
    for (let one = 0; one < 100; one += 1) await events(1)
    expect(((await reads()) - before) / 100).toBeLessThan(15)
    await snapshot.commitTransaction()
    expect(await verify(new Database(source))).toMatchObject({ ok: true, events: 4_100 })
  } finally {
    await snapshot.release()
    await source.destroy()
    await other.drop()
  }
})
