// What `timestamptz_send` counts from, in microseconds since 1970, and what it says of infinity.
const POSTGRES_EPOCH = 946_684_800_000_000n
const INFINITIES = new Set(['7fffffffffffffff', '8000000000000000'])
const LAST_DATE_MS = 8_640_000_000_000_000n

/** Microseconds since 1970 of a moment as PostgreSQL sends it in hex; null for infinity. Never through a Date, which has milliseconds. */
export function microsOf(sent: string): string | null {
  if (INFINITIES.has(sent)) return null
  return String(BigInt.asIntN(64, BigInt(`0x${sent}`)) + POSTGRES_EPOCH)
}

/** RFC 3339 with microseconds; `infinity` for what no calendar has. */
export function inRfc3339(micros: string | null): string {
  if (micros === null) return 'infinity'
  const fraction = ((BigInt(micros) % 1000n) + 1000n) % 1000n
  const ms = (BigInt(micros) - fraction) / 1000n
  if (ms > LAST_DATE_MS || ms < -LAST_DATE_MS) return 'infinity'
  return new Date(Number(ms)).toISOString().replace('Z', `${String(fraction).padStart(3, '0')}Z`)
}

/** The way back; null for what is not such a text. */
export function parseRfc3339(at: string): string | null {
  const [, ms, fraction] = /^(.*\.\d{3})(\d{3})Z$/.exec(at) ?? []
  const whole = Date.parse(`${ms}Z`)
  return Number.isNaN(whole) ? null : String(BigInt(whole) * 1000n + BigInt(fraction ?? 0))
}
