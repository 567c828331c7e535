import { z } from 'zod'
import type { Json } from '../../../src/sdk/index.ts'

const WrittenVersion = z.object({
  version: z.number(),
  /** when it was written, as the server answered */
  at: z.string(),
  /** when the version was that it was to follow; null where nobody knows */
  over: z.string().nullable(),
  /** whether that one could be read: one that was deleted has no value */
  overValue: z.boolean(),
  /** when that one was to end by itself */
  overEnds: z.string().optional(),
  /** what somebody did before, where it was written to make good for that */
  because: z.string().optional(),
  /** somebody looked what it was written over, and that was another's */
  looked: z.literal(true).optional(),
})
/** A version that a run wrote, and what it was meant to follow. */
export type WrittenVersion = z.infer<typeof WrittenVersion>

const Kept = z.object({ writtenAt: z.string(), unchecked: WrittenVersion.optional() })

/** What the journal knows of the writing of a secret: nothing where nobody was answered. */
export interface Kept {
  /** when it wrote its version */
  readonly wroteAt: string | undefined
  /** what it wrote last, unless somebody has looked what that was written over, and it was what it was to be */
  readonly unchecked: WrittenVersion | undefined
}

export function keptIn(record: Json | undefined): Kept {
  const kept = Kept.safeParse(record).data
  return { wroteAt: kept?.writtenAt, unchecked: kept?.unchecked }
}

export function recordOf(from: number, writtenAt: string, unchecked?: WrittenVersion): Json {
  return {
    previousVersion: from,
    newVersion: from + 1,
    writtenAt,
    // As the journal keeps it: without what is not said.
    ...(unchecked && { unchecked: JSON.parse(JSON.stringify(unchecked)) as Json }),
  }
}
