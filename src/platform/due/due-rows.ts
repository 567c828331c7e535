import { performance } from 'node:perf_hooks'
import type pg from 'pg'
import type { PatientQuery } from '../postgres/database-client.ts'

/** A row as it was taken. */
export interface Taken {
  readonly id: string
  readonly kind: string
  readonly subject: string
  readonly shard: string
  readonly runAt: Date
  /** when it was due for the first time, if it is being tried again */
  readonly dueSince: Date
  readonly version: number
  readonly attempts: number
}

export interface Wish {
  /** rows at most */
  readonly limit: number
  /** shards of which none is taken */
  readonly without: readonly string[]
  /** kinds this process can do; another one's are left to those that can */
  readonly kinds: readonly string[]
  /** a lane whose due rows of the same shard go first */
  readonly yieldsTo?: string | undefined
}

/** One of them, and the milliseconds after which it is tried again; without them it is done. */
export interface Turn extends Pick<Taken, 'id' | 'version' | 'attempts'> {
  readonly ms?: number
}

const SHORTEST_MS = 2_000
const LONGEST_MS = 16_000
/** What is put off for longer goes on by its schedule; what is put off for less is tried again, and keeps its place in the order. */
const RETRY_SECONDS = 90

/** The rows of one lane in the database. Every statement has a deadline on our side: an answer that is lost must not cost a lease. */
export class DueRows {
  private patienceMs = SHORTEST_MS

  constructor(
    private readonly pool: pg.Pool,
    private readonly lane: string,
    private readonly leaseSeconds: number,
  ) {}

  /** Takes what is due, oldest first. Afterwards the rows are ours until the lease runs out. */
  async take(me: string, { limit, without, kinds, yieldsTo }: Wish): Promise<Taken[]> {
    const taken = await this.query<Taken>(
      `take-${this.lane}`,
      // The pick is made once whatever the planner thinks of it: otherwise it may be made for each row, and its limit with it.
      `with held_back as materialized (
         select distinct first.shard from due_work first where first.lane = $7 and first.run_at <= clock_timestamp()),
       picked as materialized (
         select id from due_work
         where lane = $1 and coalesce(due_since, run_at) <= clock_timestamp() and run_at <= clock_timestamp()
           and (locked_until is null or locked_until < clock_timestamp())
           and shard <> all($4) and kind = any($5)
           and shard <> all(array(select shard from held_back))
         order by coalesce(due_since, run_at) limit $6 for update skip locked)
       update due_work w set locked_by = $2, attempts = attempts + 1,
         locked_until = clock_timestamp() + make_interval(secs => $3)
       from picked where w.id = picked.id
       returning w.id, kind, subject, shard, run_at as "runAt", version, attempts, coalesce(due_since, run_at) as "dueSince"`,
      [this.lane, me, this.leaseSeconds, without, kinds, limit, yieldsTo ?? null],
    )
    return taken.sort((a, b) => a.dueSince.getTime() - b.dueSince.getTime())
  }

  /** A sign of life: keeps the rows for another lease. False when one of them is no longer ours. */
  async renew(me: string, ids: readonly string[]): Promise<boolean> {
    const { rowCount } = await this.pool.query({
      text: `update due_work set locked_until = clock_timestamp() + make_interval(secs => $3) where id = any($1) and locked_by = $2
               and locked_until > clock_timestamp()`,
      values: [ids, me, this.leaseSeconds],
      answerMs: this.patienceMs,
    } as PatientQuery)
    return rowCount === ids.length
  }

  /**
   * Writes down how it went. A row that was put down again meanwhile (its version moved) is neither removed nor delayed: it is only let
   * go. One that was taken again because our lease ran out (another attempt) is not ours to touch, even when it was we who took it.
   */
  async settle(me: string, done: readonly Turn[], again: readonly Turn[], failure: string | null): Promise<void> {
    await this.query(
      `settle-${this.lane}`,
      `with settled as (
         delete from due_work w using jsonb_to_recordset($1::jsonb) as d (id bigint, version int, attempts int)
         where w.id = d.id and w.version = d.version and w.attempts = d.attempts and w.locked_by = $3 returning w.id),
       delayed as (
         update due_work w set locked_until = null, locked_by = null, last_error = $4,
           due_since = case when w.version <> a.version then w.due_since
             when a.ms <= ${RETRY_SECONDS * 1000} then coalesce(w.due_since, w.run_at) end,
           run_at = case when w.version = a.version then clock_timestamp() + make_interval(secs => a.ms / 1000.0) else w.run_at end
         from jsonb_to_recordset($2::jsonb) as a (id bigint, version int, attempts int, ms float)
         where w.id = a.id and (w.version <> a.version or w.attempts = a.attempts) and w.locked_by = $3 returning w.id)
       update due_work w set locked_until = null, locked_by = null
       from jsonb_to_recordset($1::jsonb) as d (id bigint, version int)
       where w.id = d.id and w.version <> d.version and w.locked_by = $3`,
      [JSON.stringify(done), JSON.stringify(again), me, failure],
    )
  }

  /** Lets go of what bears one of our names and is in none of our hands: the answer that said it is ours, or that it is done, was lost. */
  async free(names: readonly string[], inHand: readonly string[]): Promise<number> {
    const freed = await this.query(
      `free-${this.lane}`,
      `update due_work set locked_until = null, locked_by = null
       where lane = $1 and locked_by = any($2) and locked_until > clock_timestamp() and id <> all($3) returning id`,
      [this.lane, names, inHand],
    )
    return freed.length
  }

  /** Milliseconds until something is due; not above 0 when something is that is held back; undefined when there is nothing. */
  async untilNext(kinds: readonly string[]): Promise<number | undefined> {
    const [next] = await this.query<{ ms: string | null }>(
      `next-${this.lane}`,
      `select extract(epoch from min(greatest(run_at, coalesce(locked_until, run_at))) - clock_timestamp()) * 1000 as ms
       from (select run_at, locked_until from due_work where lane = $1 and kind = any($2) order by run_at limit 500) as soon`,
      [this.lane, kinds],
    )
    return next?.ms == null ? undefined : Number(next.ms)
  }

  /** Waits a little at first, and longer for a database that is only slow. */
  private async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const answerMs = this.patienceMs
    const sent = performance.now()
    try {
      const { rows } = await this.pool.query<Row>({ name, text, values, answerMs } as PatientQuery)
      if (performance.now() - sent < SHORTEST_MS / 2) this.patienceMs = SHORTEST_MS
      return rows
    } catch (error) {
      if (performance.now() - sent >= answerMs) this.patienceMs = Math.min(LONGEST_MS, answerMs * 2)
      throw error
    }
  }
}
