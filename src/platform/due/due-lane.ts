import { performance } from 'node:perf_hooks'
import { Logger } from '@nestjs/common'
import type pg from 'pg'
import { DueRows, type Taken, type Turn } from './due-rows.ts'
import { LanePace } from './lane-pace.ts'
import type { Stretch } from './presence.ts'

export interface LaneOptions {
  /** rows taken in one statement */
  readonly batch: number
  /** rows of one shard in hand at most */
  readonly perShard: number
  /** rows in hand at most; once half of them are, a shard that has one gets no other: a few that are slow leave room for the rest */
  readonly atOnce?: number
  /** how long a taken row stays taken without a sign of life */
  readonly leaseSeconds: number
  /** a lane whose due rows of the same shard go first */
  readonly yieldsTo?: string
}

/** What a handler is given to do. */
export type Work = Taken

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

/** Who this process is to the others: now, and by the names it had before. */
export interface Identity {
  readonly now: Stretch
  readonly names: readonly string[]
}

const SAFETY_MS = 2_000
const AFTER_FAILURE_MS = 100
/** How often a lane looks for rows that bear our name and are in none of our hands. */
const STRAYS_MS = 5_000
const SETTLE_ATTEMPTS = 3

/** One lane's loop: take what is due, hand it out by kind and shard, write down the outcomes. */
export class Lane {
  readonly handlers = new Map<string, Handler>()
  private readonly rows: DueRows
  private readonly pace = new LanePace()
  private readonly stopping = new AbortController()
  private readonly inHand = new Map<string, Work>()
  private readonly running = new Set<Promise<void>>()
  private loop: Promise<void> | undefined
  private strays = { areLikely: false, lookedAt: 0 }
  private look = performance.now()

  constructor(
    name: string,
    private readonly options: LaneOptions,
    pool: pg.Pool,
    private readonly presence: Identity,
    private readonly complain: (error: unknown) => void,
  ) {
    this.rows = new DueRows(pool, name, options.leaseSeconds)
  }

  /** When this lane last saw what is due, monotonic. */
  get lookedAt(): number {
    return this.look
  }

  start(): void {
    this.loop ??= this.run()
  }

  wake(): void {
    this.pace.wake()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    this.wake()
    await this.loop
    await Promise.allSettled(this.running)
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.pace.begin()
      let pauseMs: number
      try {
        const presence = this.presence.now
        if (!presence.isOver) await this.freeStrays()
        const limit = this.room()
        const taken = presence.isOver || limit <= 0 ? [] : await this.take(presence.name, limit)
        if (!presence.isOver) this.look = performance.now()
        this.handOut(taken, presence)
        if (taken.length === limit && limit > 0) continue
        pauseMs = this.pace.pause(await this.rows.untilNext([...this.handlers.keys()]), taken.length > 0)
      } catch (error) {
        if (this.stopping.signal.aborted) return
        this.complain(error)
        this.strays.areLikely = true
        pauseMs = AFTER_FAILURE_MS
      }
      await this.pace.rest(pauseMs)
    }
  }

  private room(): number {
    return Math.min(this.options.batch, (this.options.atOnce ?? Number.POSITIVE_INFINITY) - this.inHand.size)
  }

  private take(me: string, limit: number): Promise<Work[]> {
    const { perShard, atOnce = Number.POSITIVE_INFINITY, yieldsTo } = this.options
    const most = this.inHand.size < atOnce / 2 ? perShard : 1
    const counts = Map.groupBy(this.inHand.values(), (work) => work.shard)
    const full = [...counts].filter(([, works]) => works.length >= most).map(([shard]) => shard)
    return this.rows.take(me, {
      limit,
      without: [...full, ...this.pace.pausedShards()],
      kinds: [...this.handlers.keys()],
      yieldsTo,
    })
  }

  private async freeStrays(): Promise<void> {
    const now = performance.now()
    if (!this.strays.areLikely && now - this.strays.lookedAt < STRAYS_MS) return
    await this.rows.free(this.presence.names, [...this.inHand.keys()])
    this.strays = { areLikely: false, lookedAt: now }
  }

  private handOut(taken: readonly Work[], presence: Stretch): void {
    const groups = Map.groupBy(taken, (work) => `${work.kind}\u0000${work.shard}`)
    for (const group of groups.values()) {
      for (const work of group) this.inHand.set(work.id, work)
      const task = this.perform(group, presence).finally(() => this.running.delete(task))
      this.running.add(task)
    }
  }

  private async perform(group: readonly Work[], presence: Stretch): Promise<void> {
    const { kind, shard } = group[0]!
    const lease = this.options.leaseSeconds * 1000
    let ours = performance.now() + lease - SAFETY_MS
    const ids = group.map((work) => work.id)
    const heartbeat = setInterval(() => {
      const sent = performance.now()
      this.rows.renew(presence.name, ids).then((renewed) => {
        if (renewed) ours = sent + lease - SAFETY_MS
      }, this.complain)
    }, lease / 3)
    const hold: Hold = {
      signal: this.stopping.signal,
      isOurs: () => !presence.isOver && performance.now() < ours,
      pauseShard: (milliseconds) => this.pace.pauseShard(shard, milliseconds),
    }
    let outcomes: ReadonlyMap<string, Outcome>
    let failure: string | null = null
    try {
      const handler = this.handlers.get(kind)
      if (!handler) throw new TypeError(`nobody handles due work of kind ${kind}`)
      outcomes = await handler(group, hold)
    } catch (error) {
      this.complain(error)
      failure = error instanceof Error ? error.message.replaceAll('\0', '\ufffd').slice(0, 500) : 'unknown'
      outcomes = new Map(group.map((work) => [work.id, pauseFor(work.attempts)]))
    } finally {
      clearInterval(heartbeat)
    }
    await this.settle(group, presence.name, outcomes, failure)
    for (const id of ids) this.inHand.delete(id)
    this.wake()
  }

  private async settle(
    group: readonly Work[],
    me: string,
    outcomes: ReadonlyMap<string, Outcome>,
    failure: string | null,
  ): Promise<void> {
    const turns = group.map(({ id, version, attempts }): Turn => {
      const outcome = outcomes.get(id) ?? 'done'
      return { id, version, attempts, ...(outcome !== 'done' && { ms: outcome }) }
    })
    const done = turns.filter((turn) => turn.ms === undefined)
    const again = turns.filter((turn) => turn.ms !== undefined)
    // Written again when the answer was lost: what the first one did, the next one does not do twice.
    for (let attempt = 1; attempt <= SETTLE_ATTEMPTS; attempt += 1) {
      try {
        return await this.rows.settle(me, done, again, failure)
      } catch (error) {
        this.complain(error)
      }
    }
    this.strays.areLikely = true // let go of, and done once more
  }
}

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
