import type { Socket } from 'node:net'
import pg from 'pg'
import { parseJson } from '../../sdk/index.ts'

/** How long statements of one purpose may take, in milliseconds. */
export interface Patience {
  /** PostgreSQL ends a statement after it; 0 is never */
  readonly statementMs: number
  /** PostgreSQL gives up waiting for a lock after it; 0 is never */
  readonly lockMs: number
  /** without an answer for so long we end the connection ourselves; 0 is never */
  readonly answerMs: number
}

export interface ClientOptions extends pg.ClientConfig {
  readonly patience: Patience
  readonly peers?: Peers | undefined
}

/** A statement with a patience of its own. */
export interface PatientQuery extends pg.QueryConfig {
  readonly answerMs: number
}

/** What every client and pool is made with. A vanished server is noticed by the kernel's probes even where nobody asks anything. */
export const REACH = { connectionTimeoutMillis: 10_000, keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const

/** Rows hold what others named: the keys of tags must be read as they are. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.JSONB || oid === pg.types.builtins.JSON ? parseJson : pg.types.getTypeParser(oid, format),
}

/** A paused replica must not hold rows for ever: PostgreSQL ends its open transaction for it. */
const IDLE_IN_TRANSACTION_MS = 5_000

/** The connections of this process to one database. They share a way: what ended one in silence may have taken the idle ones as well. */
export class Peers {
  private readonly clients = new Set<DatabaseClient>()

  add(client: DatabaseClient): void {
    this.clients.add(client)
    client.once('end', () => this.clients.delete(client))
  }

  /** Ends what lies idle, so that who asks next gets a connection that was made since. */
  distrust(): void {
    for (const client of this.clients) if (client.isIdle) client.cut('its neighbour fell silent')
  }
}

/**
 * A connection to PostgreSQL that waits for no answer for ever. A connection may be gone without a word: a host that vanished, a
 * middlebox that forgot it. Nothing on it will ever be answered, and nothing but a time of our own tells.
 */
export class DatabaseClient extends pg.Client {
  private underWay = 0
  private readonly patience: Patience
  private readonly peers: Peers | undefined
  private isReady = false

  constructor({ patience, peers, ...options }: ClientOptions) {
    super({ ...REACH, types: TYPES, ...options })
    // All who wait on it are told. Lost between two statements, it would end the process: Node throws an error that nobody hears.
    this.on('error', () => {})
    this.patience = patience
    this.peers = peers
    peers?.add(this)
    const send = this.query.bind(this) as (...args: unknown[]) => unknown
    this.query = ((...args: unknown[]) => this.sendWatched(send, args)) as typeof this.query
  }

  get isIdle(): boolean {
    return this.isReady && this.underWay === 0
  }

  /**
   * Sets the limits of this session. They are set once it stands and not with its start: a pooler before the server refuses or ignores
   * what it does not know there. What the server answers must be what was asked, or nothing would end a transaction that was left open.
   */
  async setLimits(): Promise<void> {
    const limits: [string, number][] = [
      ['idle_in_transaction_session_timeout', IDLE_IN_TRANSACTION_MS],
      ['lock_timeout', this.patience.lockMs],
      ['statement_timeout', this.patience.statementMs],
    ]
    const set = limits.map((_, i) => `extract(epoch from set_config($${2 * i + 1}, $${2 * i + 2}, false)::interval) * 1000`)
    const { rows } = await this.query<{ set: string[] }>(
      `select array[${set.join()}]::float8[] as set`,
      limits.flatMap(([name, ms]) => [name, `${ms}ms`]),
    )
    limits.forEach(([name, ms], i) => {
      if (Number(rows[0]?.set[i]) !== ms)
        throw new Error(
          `the database did not accept the setting ${name}; a pooler in front of it must keep sessions (session mode)`,
        )
    })
    this.isReady = true
  }

  /** Ends the connection at once; all who wait on it are told. */
  cut(why: string): void {
    const { stream } = (this as unknown as { readonly connection: { readonly stream: Socket } }).connection
    stream.destroy(Object.assign(new Error(`the connection to the database was ended: ${why}`), { code: 'ETIMEDOUT' }))
  }

  private sendWatched(send: (...args: unknown[]) => unknown, args: unknown[]): unknown {
    const [query] = args as [Partial<PatientQuery> | string]
    const answered = this.watch((typeof query === 'object' ? query.answerMs : undefined) ?? this.patience.answerMs)
    const last = args.at(-1)
    if (typeof last === 'function') {
      const told = (error: unknown, result: unknown) => {
        answered(error)
        last(error, result)
      }
      return send(...args.slice(0, -1), told)
    }
    const sent = send(...args) as Promise<unknown>
    sent.then(() => answered(), answered)
    return sent
  }

  private watch(answerMs: number): (error?: unknown) => void {
    this.underWay += 1
    let isOver = false
    // The timer may be late because we were: what has arrived meanwhile is read before the connection is judged.
    const silent = () =>
      setImmediate(() => {
        if (isOver) return
        this.cut(`no answer within ${answerMs / 1000} s`)
        this.peers?.distrust()
      })
    const timer = answerMs > 0 ? setTimeout(silent, answerMs) : undefined
    return (error) => {
      isOver = true
      this.underWay -= 1
      clearTimeout(timer)
      // A server that takes no writes any more was the primary once: the next connection may find the one that is.
      if ((error as { code?: unknown } | undefined)?.code === '25006') {
        this.cut('the server takes no writes')
        this.peers?.distrust()
      }
    }
  }
}

/** Options that make a pool's connections such clients. */
export function poolOptions(patience: Patience, peers?: Peers) {
  return {
    ...REACH,
    Client: DatabaseClient as unknown as new () => pg.ClientBase, // it is given the options of the pool
    patience,
    peers,
    onConnect: (client: pg.ClientBase) => (client as DatabaseClient).setLimits(),
  }
}
