import { z } from 'zod'

/** A variable that fits a pattern. The remedy is what its reader is told. */
export function text(pattern: RegExp, remedy: string) {
  return z.string().regex(pattern, { error: remedy })
}

/** A variable that means something else than its text; undefined from `parse` means it cannot be read. */
export function read<T>(parse: (text: string) => T | undefined, remedy: string) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value)
    if (parsed === undefined) context.addIssue({ code: 'custom', message: remedy })
    return parsed ?? z.NEVER
  })
}

export function wholeNumber(least: number, most: number) {
  const remedy = `set it to a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^[0-9]+$/, { error: remedy, abort: true })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: remedy })
}
