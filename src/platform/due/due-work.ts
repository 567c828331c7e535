import { setTimeout as rest } from 'node:timers/promises'
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common'
import { Injectable, Logger } from '@nestjs/common'
import pg from 'pg'
import { rows, type Tx } from '../postgres/database.ts'
import { type Patience, type PatientQuery, Peers, poolOptions } from '../postgres/database-client.ts'
import { type Handler, Lane, type LaneOptions } from './due-lane.ts'
import { Presence, RELEASE_WORK_OF_THE_DEAD } from './presence.ts'
import { GRACE_MS } from './stopping.ts'

const CHANNEL = 'due_work'
const DEATHS_NOTICED_MS = 2_000
/** A lane looks every two seconds. One that did not for so long does not end access either, and nobody should believe that we are well. */
const SILENT_MS = 10_000
const POOL = 6
const PATIENCE: Patience = { statementMs: 8_000, lockMs: 5_000, answerMs: 10_000 }
/** Longer than `Stopping` gives, so that all who listen to it are done. */
const LONGEST_GRACE_MS = GRACE_MS + 2_000

export interface DueItem {
  readonly lane: LaneName
  readonly kind: string
  /** id of what the work is about; one row per kind and subject */
  readonly subject: string
  /** what shares a fate: the integration; a sick shard delays no other */
  readonly shard?: string
  /** when; undefined is at once. Compared with the database's clock */
  readonly at?: Date
}

/** Each lane has capacity of its own. `clean` waits while its shard has something to cut. */
export const LANES = {
  cut: { batch: 200, perShard: 400, leaseSeconds: 30 },
  clean: { batch: 64, perShard: 128, leaseSeconds: 60, yieldsTo: 'cut' },
  provision: { batch: 64, perShard: 64, leaseSeconds: 30 },
  // What people and schedules have done at targets, access not among it.
  run: { batch: 8, perShard: 16, leaseSeconds: 60 },
  background: { batch: 1, perShard: 2, atOnce: 16, leaseSeconds: 30 },
  notify: { batch: 8, perShard: 8, leaseSeconds: 30 },
} as const satisfies Record<string, LaneOptions>
export type LaneName = keyof typeof LANES

/**
 * Work that is due at a time, kept in one table and written in the transaction of the state it serves. The row is the truth; timers
 * and NOTIFY only wake a lane sooner. Delivered at least once, so every handler bears repetition.
 */
@Injectable()
export class DueWork implements BeforeApplicationShutdown, OnApplicationBootstrap {
  private readonly log = new Logger(DueWork.name)
  private readonly pool: pg.Pool
  private readonly lanes: Map<LaneName, Lane>
  private readonly presence: Presence
  private coroner: NodeJS.Timeout | undefined

  constructor(url: string, peers = new Peers()) {
    const complain = (what: string) => (error: unknown) => this.log.warn({ error }, what)
    this.pool = new pg.Pool({
      ...poolOptions(PATIENCE, peers),
      connectionString: url,
      max: POOL,
      application_name: 'latchkey-due',
      connectionTimeoutMillis: 5_000,
    })
    this.pool.on('error', ({ message: reason }) => this.log.warn({ reason }, 'lost a database connection'))
    this.presence = new Presence(url, {
      heard: (lane) => this.wake(lane as LaneName),
      connected: () => this.resume(),
      lost: (error) => {
        this.log.warn({ error }, 'the database does not hear us any more, or we do not hear it')
        peers.distrust()
      },
    })
    this.lanes = new Map(
      (Object.keys(LANES) as LaneName[]).map((name) => [
        name,
        new Lane(name, LANES[name], this.pool, this.presence, complain(`lane ${name} could not reach the database`)),
      ]),
    )
  }

  /** Says who does a kind of work. Call before the application starts. */
  handle(lane: LaneName, kind: string, handler: Handler): void {
    this.lanes.get(lane)?.handlers.set(kind, handler)
  }

  onApplicationBootstrap(): void {
    void this.presence.start()
    this.coroner = setInterval(() => void this.releaseWorkOfTheDead(), DEATHS_NOTICED_MS)
  }

  /** By what name `isPresent` finds this process; null while it is not there. */
  get name(): string | null {
    return this.presence.now.isOver ? null : this.presence.now.name
  }

  /** Wakes a lane of this process at once; the others hear it from PostgreSQL. */
  wake(lane: LaneName): void {
    this.lanes.get(lane)?.wake()
  }

  /** The lanes that have not seen for a while what is due, be it that the database or that we are at fault. */
  get silentLanes(): LaneName[] {
    const now = performance.now()
    return [...this.lanes].filter(([, lane]) => now - lane.lookedAt > SILENT_MS).map(([name]) => name)
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.coroner)
    const stopped = Promise.all([...this.lanes.values()].map((lane) => lane.stop()))
    // What hangs all the same is left behind. Its lease runs out, and the journal tells the next start where it was.
    await Promise.race([stopped, rest(LONGEST_GRACE_MS, undefined, { ref: false })])
    await this.presence.stop()
    await this.pool.end()
  }

  private resume(): void {
    for (const lane of this.lanes.values()) {
      lane.start()
      lane.wake()
    }
    void this.releaseWorkOfTheDead()
  }

  private async releaseWorkOfTheDead(): Promise<void> {
    try {
      const { rows: released } = await this.pool.query<{ lane: LaneName }>({
        text: RELEASE_WORK_OF_THE_DEAD,
        values: [this.presence.names],
        answerMs: DEATHS_NOTICED_MS * 2,
      } as PatientQuery)
      for (const lane of new Set(released.map((work) => work.lane))) this.wake(lane)
    } catch (error) {
      this.log.warn({ error }, 'could not look for work of processes that died')
    }
  }
}

/** Puts work down in the caller's transaction; the same kind and subject again moves the time and starts counting again. */
export async function enqueue(tx: Tx, items: readonly DueItem[]): Promise<void> {
  if (items.length === 0) return
  await rows(
    tx,
    `with put as (
       insert into due_work as w (lane, kind, subject, shard, run_at)
       select i.lane, i.kind, i.subject, coalesce(i.shard, ''), coalesce(i.at, clock_timestamp())
       from jsonb_to_recordset($1::jsonb) as i (lane text, kind text, subject text, shard text, at timestamptz)
       on conflict (kind, subject) do update
         set lane = excluded.lane, shard = excluded.shard, run_at = excluded.run_at, due_since = null, version = w.version + 1, attempts = 0
       returning lane)
     select pg_notify('${CHANNEL}', lane) from (select distinct lane from put) as woken`,
    [JSON.stringify(items)],
  )
}

/**
 * Puts down what is in no row. What is waiting or being done stays as it is. One statement sees one moment: what ended
 * while it looked is not taken for lost.
 *
 * @param wanted a select of lane, kind, subject, shard and at: all that ought to be in a row
 * @returns how much was lost
 */
export async function putBackLost(tx: Tx, wanted: string, parameters: readonly unknown[] = []): Promise<number> {
  const lost = await rows<{ lane: string }>(
    tx,
    `with wanted as (${wanted}), put as (
       insert into due_work (lane, kind, subject, shard, run_at)
       select w.lane, w.kind, w.subject, coalesce(w.shard, ''), w.at from wanted w
       where not exists (select from due_work d where d.kind = w.kind and d.subject = w.subject)
       on conflict (kind, subject) do nothing returning lane)
     select lane, pg_notify('${CHANNEL}', lane) from put`,
    [...parameters],
  )
  return lost.length
}

/** Takes work back in the caller's transaction. */
export async function withdraw(tx: Tx, kinds: string | readonly string[], subjects: readonly string[]): Promise<void> {
  await rows(tx, 'delete from due_work where kind = any($1) and subject = any($2)', [[kinds].flat(), subjects])
}
