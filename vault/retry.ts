import { setTimeout as sleep } from 'node:timers/promises'
import type { Rank, VaultAnswer } from './call.ts'

const FIRST_MS = 250
const LONGEST_MS = 30_000
/** What ends access asks again soon, whatever it is told: of many calls that are too many, its own shall be served. */
const LONGEST_ENDING_MS = 1_000
const PASSING = new Set([412, 429, 503])
// OpenBao, of two writes of one thing at a moment: this one was not made.
const LOST_A_RACE = 'transaction commit failed'

/** True for an answer that may be another one in a moment. */
export function isWorthRepeating(answer: VaultAnswer): boolean {
  return PASSING.has(answer.status) || (answer.status === 500 && answer.errors.some((error) => error.includes(LOST_A_RACE)))
}

/** How long to rest after attempt `attempt` (from 0): what the server asks for, else exponential with jitter. */
export function pauseBefore(attempt: number, retryAfter?: string | string[], rank: Rank = 'background'): number {
  const most = rank === 'ending' ? LONGEST_ENDING_MS : LONGEST_MS
  const asked = typeof retryAfter === 'string' ? Number(retryAfter) * 1000 : Number.NaN
  if (asked > 0) return Math.min(asked, most)
  const longest = Math.min(FIRST_MS * 2 ** attempt, most)
  return longest * (0.5 + Math.random() / 2)
}

/** Rests; an abort ends the rest at once with the signal's reason. */
export async function rest(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}
