import { performance } from 'node:perf_hooks'
import { Logger } from '@nestjs/common'
import type pg from 'pg'
import type { Stretch } from './presence.ts'

export interface LaneOptions {
  /** rows taken in one statement */
  readonly batch: number
  /** rows of one shard in hand at most */
  readonly perShard: number
  /** how long a taken row stays taken without a sign of life */
  readonly leaseSeconds: number
  /** a lane whose due rows of the same shard go first */
  readonly yieldsTo?: string
}

export interface Work {
  readonly id: string
  readonly kind: string
  readonly subject: string
  readonly shard: string
  readonly runAt: Date
  readonly version: number
  readonly attempts: number
}

/** `done` removes the row; a number of milliseconds tries again after it. */
export type Outcome = 'done' | number

export interface Hold {
  readonly signal: AbortSignal
  /** Whether this process may still act: false once the lease may have passed to another. Judged by a clock that pauses do not stop. */
  readonly isOurs: () => boolean
  /** Keeps the shard's other work back for a while: its target is down, one attempt at a time is enough. */
  readonly pauseShard: (milliseconds: number) => void
}

/** Does a batch of one kind and one shard. Items it does not mention are done; what it throws makes all of them try again. */
export type Handler = (batch: readonly Work[], hold: Hold) => Promise<ReadonlyMap<string, Outcome>>

const LONGEST_SLEEP_MS = 2_000
const SAFETY_MS = 2_000

/** One lane's loop: take what is due, hand it out by kind and shard, write down the outcomes. */
export class Lane {
  readonly handlers = new Map<string, Handler>()
  private readonly stopping = new AbortController()
  private readonly inHand = new Map<string, number>()
  private readonly pausedUntil = new Map<string, number>()
  private readonly running = new Set<Promise<void>>()
  private loop: Promise<void> | undefined
  private wakeUp: (() => void) | undefined
  private woken = false

  constructor(
    private readonly name: string,
    private readonly options: LaneOptions,
    private readonly pool: pg.Pool,
    private readonly presence: () => Stretch,
    private readonly complain: (error: unknown) => void,
  ) {}

  start(): void {
    this.loop ??= this.run()
  }

  wake(): void {
    this.woken = true
    this.wakeUp?.()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    this.wake()
    await this.loop
    await Promise.allSettled(this.running)
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.woken = false
      let pauseMs = LONGEST_SLEEP_MS
      try {
        const presence = this.presence()
        const taken = presence.isOver ? [] : await this.take(presence.name)
        this.handOut(taken, presence)
        if (taken.length === this.options.batch) continue
        pauseMs = await this.untilNext()
      } catch (error) {
        if (this.stopping.signal.aborted) return
        this.complain(error)
        pauseMs = 500
      }
      if (!this.woken) await this.sleep(pauseMs)
    }
  }

  private async take(me: string): Promise<Work[]> {
    const now = performance.now()
    for (const [shard, until] of this.pausedUntil) if (until <= now) this.pausedUntil.delete(shard)
    const full = [...this.inHand].filter(([, count]) => count >= this.options.perShard).map(([shard]) => shard)
    const { rows } = await this.pool.query<Work>({
      name: `take-${this.name}`,
      text: `update due_work set locked_by = $2, attempts = attempts + 1,
               locked_until = clock_timestamp() + make_interval(secs => $3)
             where id in (
               select id from due_work
               where lane = $1 and run_at <= clock_timestamp() and (locked_until is null or locked_until < clock_timestamp())
                 and shard <> all($4)
                 and shard <> all(array( -- once, not for each row: what was just deleted is still in the index
                   select distinct first.shard from due_work first where first.lane = $6 and first.run_at <= clock_timestamp()))
               order by run_at limit $5 for update skip locked)
             returning id, kind, subject, shard, run_at as "runAt", version, attempts`,
      values: [
        this.name,
        me,
        this.options.leaseSeconds,
        [...full, ...this.pausedUntil.keys()],
        this.options.batch,
        this.options.yieldsTo ?? null,
      ],
    })
    return rows.sort((a, b) => a.runAt.getTime() - b.runAt.getTime())
  }

  private handOut(taken: readonly Work[], presence: Stretch): void {
    const groups = Map.groupBy(taken, (work) => `${work.kind}\u0000${work.shard}`)
    for (const group of groups.values()) {
      const task = this.perform(group, presence).finally(() => this.running.delete(task))
      this.running.add(task)
    }
  }

  private async perform(group: readonly Work[], presence: Stretch): Promise<void> {
    const { kind, shard } = group[0]!
    const lease = this.options.leaseSeconds * 1000
    let ours = performance.now() + lease - SAFETY_MS
    const ids = group.map((work) => work.id)
    this.count(shard, group.length)
    const heartbeat = setInterval(() => {
      const sent = performance.now()
      this.pool
        .query(
          `update due_work set locked_until = clock_timestamp() + make_interval(secs => $3) where id = any($1) and locked_by = $2
             and locked_until > clock_timestamp()`,
          [ids, presence.name, this.options.leaseSeconds],
        )
        .then((result) => {
          if (result.rowCount === ids.length) ours = sent + lease - SAFETY_MS
        }, this.complain)
    }, lease / 3)
    const hold: Hold = {
      signal: this.stopping.signal,
      isOurs: () => !presence.isOver && performance.now() < ours,
      pauseShard: (milliseconds) => void this.pausedUntil.set(shard, performance.now() + milliseconds),
    }
    let outcomes: ReadonlyMap<string, Outcome>
    let failure: string | null = null
    try {
      const handler = this.handlers.get(kind)
      if (!handler) throw new TypeError(`nobody handles due work of kind ${kind}`)
      outcomes = await handler(group, hold)
    } catch (error) {
      this.complain(error)
      failure = error instanceof Error ? error.message.slice(0, 500) : 'unknown'
      outcomes = new Map(group.map((work) => [work.id, pauseFor(work.attempts)]))
    } finally {
      clearInterval(heartbeat)
    }
    await this.settle(group, presence.name, outcomes, failure)
    this.count(shard, -group.length)
    this.wake()
  }

  private async settle(
    group: readonly Work[],
    me: string,
    outcomes: ReadonlyMap<string, Outcome>,
    failure: string | null,
  ): Promise<void> {
    const again = group.flatMap((work) => {
      const outcome = outcomes.get(work.id) ?? 'done'
      return outcome === 'done' ? [] : [{ ...turnOf(work), ms: outcome }]
    })
    const done = group.filter((work) => (outcomes.get(work.id) ?? 'done') === 'done')
    // A row that was put down anew meanwhile (its version moved) is neither removed nor delayed: it is only let go. One that was taken
    // again because our lease ran out (another attempt) is not ours to touch, even when it was we who took it.
    await this.pool
      .query(
        `with settled as (
           delete from due_work w using jsonb_to_recordset($1::jsonb) as d (id bigint, version int, attempts int)
           where w.id = d.id and w.version = d.version and w.attempts = d.attempts and w.locked_by = $3 returning w.id),
         delayed as (
           update due_work w set locked_until = null, locked_by = null, last_error = $4,
             run_at = case when w.version = a.version then clock_timestamp() + make_interval(secs => a.ms / 1000.0) else w.run_at end
           from jsonb_to_recordset($2::jsonb) as a (id bigint, version int, attempts int, ms float)
           where w.id = a.id and (w.version <> a.version or w.attempts = a.attempts) and w.locked_by = $3 returning w.id)
         update due_work w set locked_until = null, locked_by = null
         from jsonb_to_recordset($1::jsonb) as d (id bigint, version int)
         where w.id = d.id and w.version <> d.version and w.locked_by = $3`,
        [JSON.stringify(done.map(turnOf)), JSON.stringify(again), me, failure],
      )
      .catch(this.complain) // the lease runs out and the work is done once more
  }

  private count(shard: string, change: number): void {
    const count = (this.inHand.get(shard) ?? 0) + change
    if (count > 0) this.inHand.set(shard, count)
    if (count <= 0) this.inHand.delete(shard)
  }

  private async untilNext(): Promise<number> {
    const { rows } = await this.pool.query<{ ms: string | null }>({
      name: `next-${this.name}`,
      text: `select extract(epoch from min(greatest(run_at, coalesce(locked_until, run_at))) - clock_timestamp()) * 1000 as ms
             from (select run_at, locked_until from due_work where lane = $1 order by run_at limit 500) as soon`,
      values: [this.name],
    })
    const ms = rows[0]?.ms == null ? LONGEST_SLEEP_MS : Number(rows[0].ms)
    // What is due but held back (a full or paused shard, a lane that goes first) is looked at again shortly.
    return ms <= 0 ? 25 : Math.min(ms, LONGEST_SLEEP_MS)
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const turnOf = ({ id, version, attempts }: Work) => ({ id, version, attempts })

/** Growing and jittered: 0.25 s, 0.5 s, 1 s … 60 s. */
export function pauseFor(attempts: number, longestMs = 60_000): number {
  return Math.min(longestMs, 125 * 2 ** Math.min(attempts, 12)) * (0.75 + Math.random() / 2)
}

const log = new Logger('DueWork')

/** Makes a handler of batches from one of single items, all at once; what one throws delays that one alone. */
export async function each(batch: readonly Work[], one: (work: Work) => Promise<Outcome>): Promise<Map<string, Outcome>> {
  const outcomes = await Promise.all(
    batch.map(async (work) => {
      try {
        return [work.id, await one(work)] as const
      } catch (error) {
        log.warn({ error, kind: work.kind, subject: work.subject }, 'due work will be tried again')
        return [work.id, pauseFor(work.attempts)] as const
      }
    }),
  )
  return new Map(outcomes)
}
