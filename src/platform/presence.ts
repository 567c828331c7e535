import { randomUUID } from 'node:crypto'
import pg from 'pg'

const CHANNEL = 'due_work'

/** One stretch of being connected. Once it is over it stays over: who acted under it asks again. */
export interface Stretch {
  /** Who we are in its course. Each has a name of its own: the server may not have noticed that the last one is over. */
  readonly name: string
  readonly isOver: boolean
}

/**
 * This process as the others see it: a connection that holds a lock named after itself, and hears what is due. When the process
 * dies PostgreSQL drops the lock at once, and whoever comes next need not wait for leases to run out.
 */
export class Presence {
  private client: pg.Client | undefined
  private stretch: { name: string; isOver: boolean } = { name: '', isOver: true }
  private stopped = false

  constructor(
    private readonly url: string,
    private readonly heard: (lane: string) => void,
    private readonly connected: () => void,
  ) {}

  get now(): Stretch {
    return this.stretch
  }

  async start(): Promise<void> {
    if (this.stopped) return
    const client = new pg.Client({ connectionString: this.url, application_name: 'latchkey-presence', keepAlive: true })
    this.client = client
    const stretch = { name: randomUUID(), isOver: false }
    let lost = false
    const again = () => {
      stretch.isOver = true
      if (lost) return
      lost = true
      client.end().catch(() => {})
      if (!this.stopped) setTimeout(() => void this.start(), 500).unref()
    }
    client.on('error', again)
    client.on('end', again)
    client.on('notification', (message) => this.heard(message.payload ?? ''))
    try {
      await client.connect()
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [stretch.name])
      await client.query(`listen ${CHANNEL}`)
    } catch {
      again()
      return
    }
    if (stretch.isOver) return
    this.stretch = stretch
    this.connected()
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.stretch.isOver = true
    await this.client?.end().catch(() => {})
  }
}

/** Lets go of what was in the hands of processes that are no longer connected. */
export const RELEASE_WORK_OF_THE_DEAD = `
  update due_work w set locked_until = null, locked_by = null
  where w.locked_until > clock_timestamp() and not exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(w.locked_by, 0))
  returning lane`
