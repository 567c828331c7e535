import { z } from 'zod'

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
      error: 'contains a control character or an invisible one',
    })
}

/** Why a string is not text; undefined when it is. */
export function flawOf(value: string): string | undefined {
  if (value.includes('\u0000')) return 'contains a NUL character'
  return value.isWellFormed() ? undefined : 'contains half a character (a lone surrogate)'
}
