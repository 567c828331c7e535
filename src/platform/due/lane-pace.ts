import { performance } from 'node:perf_hooks'

const LONGEST_SLEEP_MS = 2_000
const SHORTEST_SLEEP_MS = 25
/** Between two looks at what is due and held back: a full or paused shard, a lane that goes first. */
const LONGEST_HELD_BACK_MS = 500

/** When a lane looks again, and which shards it leaves alone meanwhile. */
export class LanePace {
  private readonly pausedUntil = new Map<string, number>()
  private heldBackMs = SHORTEST_SLEEP_MS
  private woken = false
  private wakeUp: (() => void) | undefined

  /** A look begins: what wakes us from here on asks for another one. */
  begin(): void {
    this.woken = false
  }

  wake(): void {
    this.woken = true
    this.heldBackMs = SHORTEST_SLEEP_MS
    this.wakeUp?.()
  }

  pauseShard(shard: string, milliseconds: number): void {
    this.pausedUntil.set(shard, performance.now() + milliseconds)
  }

  pausedShards(): string[] {
    const now = performance.now()
    for (const [shard, until] of this.pausedUntil) if (until <= now) this.pausedUntil.delete(shard)
    return [...this.pausedUntil.keys()]
  }

  /** How long to rest when something is due in `untilNext`; longer and longer while it is due and cannot be had, as in a long outage. */
  pause(untilNext: number | undefined, hadSome: boolean): number {
    if (hadSome || untilNext === undefined || untilNext > 0) this.heldBackMs = SHORTEST_SLEEP_MS
    if (untilNext === undefined) return LONGEST_SLEEP_MS
    if (untilNext > 0) return Math.min(untilNext, LONGEST_SLEEP_MS)
    const pauseMs = this.heldBackMs
    this.heldBackMs = Math.min(LONGEST_HELD_BACK_MS, pauseMs * 2)
    const now = performance.now()
    const resumed = Math.min(...[...this.pausedUntil.values()].map((until) => Math.max(1, until - now)))
    return Math.min(pauseMs, resumed)
  }

  rest(milliseconds: number): Promise<void> {
    if (this.woken) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
