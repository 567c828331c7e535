import { randomUUID } from 'node:crypto'
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common'
import { Injectable, Logger } from '@nestjs/common'
import pg from 'pg'
import { rows, type Tx } from './database.ts'
import { type Handler, Lane, type LaneOptions } from './due-lane.ts'

const CHANNEL = 'due_work'

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
  clean: { batch: 64, perShard: 64, leaseSeconds: 60, yieldsTo: 'cut' },
  provision: { batch: 64, perShard: 64, leaseSeconds: 30 },
  background: { batch: 4, perShard: 2, leaseSeconds: 30 },
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
  private readonly me = randomUUID()
  private readonly lanes: Map<LaneName, Lane>
  private listener: pg.Client | undefined
  private stopped = false

  constructor(private readonly url: string) {
    const complain = (what: string) => (error: unknown) => this.log.warn({ error }, what)
    this.pool = new pg.Pool({ connectionString: url, max: 8, application_name: 'latchkey-due', keepAlive: true })
    this.pool.on('error', complain('lost a database connection'))
    this.lanes = new Map(
      (Object.keys(LANES) as LaneName[]).map((name) => [
        name,
        new Lane(name, LANES[name], this.pool, this.me, complain(`lane ${name} could not reach the database`)),
      ]),
    )
  }

  /** Says who does a kind of work. Call before the application starts. */
  handle(lane: LaneName, kind: string, handler: Handler): void {
    this.lanes.get(lane)?.handlers.set(kind, handler)
  }

  onApplicationBootstrap(): void {
    void this.listen()
    for (const lane of this.lanes.values()) lane.start()
  }

  /** Wakes a lane of this process at once; the others hear it from PostgreSQL. */
  wake(lane: LaneName): void {
    this.lanes.get(lane)?.wake()
  }

  /** Before anybody's connections close: what is in hand still needs them. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true
    await Promise.all([...this.lanes.values()].map((lane) => lane.stop()))
    await this.listener?.end().catch(() => {})
    await this.pool.end()
  }

  private async listen(): Promise<void> {
    if (this.stopped) return
    const client = new pg.Client({ connectionString: this.url, application_name: 'latchkey-listen', keepAlive: true })
    this.listener = client
    let lost = false
    const again = () => {
      if (lost) return
      lost = true
      if (!this.stopped) setTimeout(() => void this.listen(), 500).unref()
    }
    client.on('error', again)
    client.on('end', again)
    client.on('notification', (message) => this.lanes.get((message.payload ?? '') as LaneName)?.wake())
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
      for (const lane of this.lanes.values()) lane.wake()
    } catch {
      again()
    }
  }
}

/** Puts work down in the caller's transaction; the same kind and subject again moves the time and starts counting anew. */
export async function enqueue(tx: Pick<Tx, 'query'>, items: readonly DueItem[]): Promise<void> {
  if (items.length === 0) return
  await rows(
    tx,
    `with put as (
       insert into due_work as w (lane, kind, subject, shard, run_at)
       select i.lane, i.kind, i.subject, coalesce(i.shard, ''), coalesce(i.at, clock_timestamp())
       from jsonb_to_recordset($1::jsonb) as i (lane text, kind text, subject text, shard text, at timestamptz)
       on conflict (kind, subject) do update
         set lane = excluded.lane, shard = excluded.shard, run_at = excluded.run_at, version = w.version + 1, attempts = 0
       returning lane)
     select pg_notify('${CHANNEL}', lane) from (select distinct lane from put) as woken`,
    [JSON.stringify(items)],
  )
}

/** Takes work back in the caller's transaction. */
export async function withdraw(tx: Pick<Tx, 'query'>, kind: string, subjects: readonly string[]): Promise<void> {
  await rows(tx, 'delete from due_work where kind = $1 and subject = any($2)', [kind, subjects])
}
