import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { DatabaseClient } from '../postgres/database-client.ts'

const CHANNEL = 'due_work'
const BEAT_MS = 1_000
const AGAIN_MS = 500
/** Without an answer for so long the connection is taken for dead. Longer each time, for a database that is only slow. */
const SHORTEST_MS = 2_000
const LONGEST_MS = 10_000
/** A stretch that lasted so long says that the patience was enough. */
const GOOD_MS = 60_000
const CONNECT_MS = 5_000
const GOODBYE_MS = 1_000
/** Enough for what may still be in hand from before. */
const NAMES_KEPT = 16

/** One stretch of being connected. Once it is over it stays over: who acted under it asks again. */
export interface Stretch {
  /** Who we are in its course. Each has a name of its own: the server may not have noticed that the last one is over. */
  readonly name: string
  readonly isOver: boolean
}

export interface PresenceEvents {
  /** something is due in a lane */
  heard(lane: string): void
  connected(): void
  lost(error: unknown): void
}

/**
 * This process as the others see it: a connection that holds a lock named after itself, and hears what is due. When the process
 * dies PostgreSQL drops the lock at once, and the next one need not wait for leases to run out. It is asked every second, because a
 * connection that is gone need not say so.
 */
export class Presence {
  private client: DatabaseClient | undefined
  private stretch: { name: string; isOver: boolean } = { name: '', isOver: true }
  private readonly known: string[] = []
  private answerMs = SHORTEST_MS
  private stopped = false

  constructor(
    private readonly url: string,
    private readonly events: PresenceEvents,
  ) {}

  get now(): Stretch {
    return this.stretch
  }

  /** What we were called lately, now included. */
  get names(): readonly string[] {
    return this.known
  }

  async start(): Promise<void> {
    if (this.stopped) return
    const client = new DatabaseClient({
      connectionString: this.url,
      application_name: 'latchkey-presence',
      connectionTimeoutMillis: CONNECT_MS,
      patience: { statementMs: 0, lockMs: 0, answerMs: this.answerMs },
    })
    this.client = client
    const stretch = { name: randomUUID(), isOver: false }
    let beat: NodeJS.Timeout | undefined
    let since = Number.POSITIVE_INFINITY
    let isLost = false
    const lose = (error: unknown) => {
      stretch.isOver = true
      if (isLost) return
      isLost = true
      clearInterval(beat)
      client.cut('it is over')
      if (this.stopped) return
      this.answerMs = performance.now() - since > GOOD_MS ? SHORTEST_MS : Math.min(LONGEST_MS, this.answerMs * 1.5)
      this.events.lost(error)
      setTimeout(() => void this.start(), AGAIN_MS).unref()
    }
    client.on('error', lose)
    client.on('end', () => lose(undefined))
    client.on('notification', (message) => this.events.heard(message.payload ?? ''))
    try {
      await client.connect()
      await client.setLimits()
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [stretch.name])
      await client.query(`listen ${CHANNEL}`)
    } catch (error) {
      lose(error)
      return
    }
    if (stretch.isOver) return
    since = performance.now()
    beat = setInterval(() => client.isIdle && void client.query('select 1').catch(lose), BEAT_MS)
    this.known.push(stretch.name)
    this.known.splice(0, this.known.length - NAMES_KEPT)
    this.stretch = stretch
    this.events.connected()
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.stretch.isOver = true
    const late = setTimeout(() => this.client?.cut('it does not end'), GOODBYE_MS)
    await this.client?.end().catch(() => {})
    clearTimeout(late)
  }
}

/** Lets go of what was in the hands of processes that are no longer connected. We ourselves ($1) live, whatever the locks say. */
export const RELEASE_WORK_OF_THE_DEAD = `
  update due_work w set locked_until = null, locked_by = null
  where w.locked_until > clock_timestamp() and w.locked_by <> all($1) and not ${isPresent('w.locked_by')}
  returning lane`

/** SQL that says whether the process of this name is there. */
export function isPresent(name: string): string {
  return `exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(${name}, 0))`
}
