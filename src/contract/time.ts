import { z } from 'zod'

/** The longest time anything may be asked for. */
export const LONGEST_SECONDS = 366 * 24 * 3600

/** How long access is asked for where nobody says. */
export const USUAL_SECONDS = 3600

export const durationSeconds = z
  .int({ error: durationError })
  .min(1, { error: durationError })
  .max(LONGEST_SECONDS, { error: durationError })

function durationError(issue: { input?: unknown }): string {
  if (issue.input === undefined) return 'is missing'
  return `must be a whole number of seconds from 1 to ${LONGEST_SECONDS} (366 days)`
}

/** A moment, RFC 3339 in UTC. */
export const instant = z.iso.datetime()
