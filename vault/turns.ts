import type { Rank } from './call.ts'
import { rest } from './retry.ts'

const RANKS: readonly Rank[] = ['ending', 'opening', 'provisioning', 'background']
/** After the server's word that there were too many calls, what nobody waits for leaves it alone for a while. */
const LIMITED_MS = 2_000
/** Between two calls that end access there may be a moment in which none is under way. */
const BREATH_MS = 250
const LOOK_MS = 25
/** Longer than this nobody waits for others: a stream of ends must not stop the looks at a server's health. */
const LONGEST_MS = 15_000

/** Whose turn it is at one server. */
export class Turns {
  readonly #underWay = new Map<Rank, number>()
  readonly #now: () => number
  #limitedUntil = Number.NEGATIVE_INFINITY
  #endedAt = Number.NEGATIVE_INFINITY

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does a call, its rests between attempts included; while it lasts, those of lower rank may have to wait. */
  async during<Result>(rank: Rank, work: () => Promise<Result>): Promise<Result> {
    this.#count(rank, 1)
    try {
      return await work()
    } finally {
      this.#count(rank, -1)
      if (rank === 'ending') this.#endedAt = this.#now()
    }
  }

  /** Resolves when a call of this rank may leave. */
  async mine(rank: Rank, signal?: AbortSignal): Promise<void> {
    const since = this.#now()
    for (let waitMs = this.#wait(rank); waitMs > 0 && this.#now() - since < LONGEST_MS; waitMs = this.#wait(rank)) {
      await rest(Math.min(waitMs, LONGEST_MS), signal)
    }
  }

  /** The server said that there were too many calls. */
  limited(): void {
    this.#limitedUntil = this.#now() + LIMITED_MS * (1 + Math.random() / 4)
  }

  /** For how long a rank must look away, in milliseconds. */
  #wait(rank: Rank): number {
    if (rank === 'ending') return 0
    const limitedMs = this.#limitedUntil - this.#now()
    if (rank !== 'background') return limitedMs > 0 && this.#isBefore(rank) ? LOOK_MS : 0
    if (limitedMs > 0) return limitedMs
    if (this.#isUnderWay('ending')) return LOOK_MS
    return Math.max(0, this.#endedAt + BREATH_MS - this.#now())
  }

  #isBefore(rank: Rank): boolean {
    return RANKS.slice(0, RANKS.indexOf(rank)).some((other) => this.#isUnderWay(other))
  }

  #isUnderWay(rank: Rank): boolean {
    return (this.#underWay.get(rank) ?? 0) > 0
  }

  #count(rank: Rank, change: number): void {
    this.#underWay.set(rank, (this.#underWay.get(rank) ?? 0) + change)
  }
}
