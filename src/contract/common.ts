import { z } from 'zod'

/** The longest time anything may be asked for. */
export const LONGEST_SECONDS = 366 * 24 * 3600

/** What every refusal looks like, as `application/problem+json` (RFC 9457). */
export const problem = z
  .strictObject({
    type: z.string().describe('urn:latchkey:problem: and the code'),
    title: z.string().describe('what the code means, always the same'),
    status: z.int(),
    code: z.string().describe('one of docs/errors.md'),
    message: z.string().describe('what was tried and what came of it'),
    fix: z.string().optional().describe('what the reader can do about it'),
    field: z.string().optional().describe('the first offending field, as a path: resources.0.path'),
    issues: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe('every offending field, when there is more than one'),
    requestId: z.string().describe('to be found in the log'),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problem>

interface Length {
  readonly max: number
  readonly min?: number
}

/** Text as somebody typed it, up to `max` UTF-16 units. What no database keeps and no JSON parser agrees on is refused. */
export function text({ max, min = 1 }: Length) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !flawOf(value), { error: (issue) => flawOf(String(issue.input)) ?? 'is not text' })
}

/** What a thing is called, in one line: without the characters that make a name look like another one or break a log line. */
export function name({ max }: Pick<Length, 'max'> = { max: 100 }) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((value) => !flawOf(value), { error: (issue) => flawOf(String(issue.input)) ?? 'is not text' })
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*$/u, {
      error: 'contains a control character or one that cannot be seen',
    })
}

/** Why a string is not text; undefined when it is. */
export function flawOf(value: string): string | undefined {
  if (value.includes('\u0000')) return 'contains a NUL character'
  return value.isWellFormed() ? undefined : 'contains half a character (a lone surrogate)'
}

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

const LIMIT = 'must be a number from 1 to 200'

/** What every list takes; a list with filters spreads it: `z.strictObject({ ...pageQuery, state: … })`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^([1-9][0-9]?|1[0-9]{2}|200)$/, { error: LIMIT })
    .transform(Number)
    .default(50)
    .meta({ description: 'how many items to answer with at most, 1 to 200; 50 unless told' }),
  // A name of 2000 bytes, packed and in base64, and what stands beside it.
  cursor: text({ max: 4000 }).optional().meta({ description: 'where to go on: `next` of the answer before' }),
}

/** One page of a list; `next` is null on the last. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next: z.string().nullable() })
}
export interface Page<Item> {
  items: Item[]
  next: string | null
}
