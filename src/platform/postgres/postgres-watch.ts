import { setTimeout as pause } from 'node:timers/promises'

const LOOK_MS = 250
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A server that lived this long had nothing wrong with its start. */
const SOUND_MS = 60_000

export interface Watched {
  /** whether that process still serves the database */
  isThere(pid: number): boolean
  /** launches the server on the same cluster, or finds that somebody did; its process */
  raise(): Promise<number>
  readonly log: (message: string) => void
}

/** Keeps a server there: when it is gone it is launched again, at once the first time and after growing pauses then. */
export class PostgresWatch {
  private readonly stopping = new AbortController()
  private readonly loop: Promise<void>
  private readonly watched: Watched
  private current: number
  private launchedAt = performance.now()
  private failures = 0

  constructor(pid: number, watched: Watched) {
    this.current = pid
    this.watched = watched
    this.loop = this.run()
  }

  get pid(): number {
    return this.current
  }

  /** Returns when nothing will be launched any more. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.loop
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      if (this.watched.isThere(this.current)) await this.rest(LOOK_MS)
      else await this.replace()
    }
  }

  private async replace(): Promise<void> {
    const { log } = this.watched
    if (performance.now() - this.launchedAt > SOUND_MS) this.failures = 0
    const pauseMs = this.failures === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.failures - 1))
    this.failures += 1
    log(`the embedded database server is gone; launching it again${pauseMs > 0 ? ` in ${pauseMs / 1000} seconds` : ''}`)
    if (!(await this.rest(pauseMs))) return
    try {
      this.current = await this.watched.raise()
      this.launchedAt = performance.now()
      log(`the embedded database server runs again, process ${this.current}`)
    } catch (error) {
      log(`the embedded database server did not start: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  private rest(milliseconds: number): Promise<boolean> {
    return pause(milliseconds, undefined, { signal: this.stopping.signal, ref: false }).then(
      () => true,
      () => false,
    )
  }
}
