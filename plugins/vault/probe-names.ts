import { randomInt } from 'node:crypto'

/** What a probe of the server's features leaves if the broker dies in the middle of it bears its time, so that it can be told from one under way. */
export function probeName(before: string): string {
  return `${before}${Math.floor(Date.now() / 1000)}-${randomInt(2 ** 47)}`
}

/** Names of probes begin so: policies after the integration's prefix, users as they are. */
export const PROBE_POLICY = 'probe-'
export const PROBE_USER = '0-'

/** Whether a name is a probe's, and whether that probe is over for certain. */
export function probeOf(name: string, before: string): 'none' | 'recent' | 'left behind' {
  const [, seconds] = name.startsWith(before) ? (/^(\d{10,12})-\d+$/.exec(name.slice(before.length)) ?? []) : []
  const agoMs = Date.now() - Number(seconds) * 1000
  // A name from the future is somebody's who wants to be overlooked.
  if (seconds === undefined || agoMs < -LONGEST_PROBE_MS) return 'none'
  return agoMs > LONGEST_PROBE_MS ? 'left behind' : 'recent'
}

const LONGEST_PROBE_MS = 3 * 60_000
