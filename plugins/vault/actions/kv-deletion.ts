import { z } from 'zod'
import type { Json } from '../../../src/sdk/index.ts'

/** The record of a step that found its version deleted already. */
export const NOT_OURS: Deletion & Json = { deletedBefore: true }

const Deletion = z.object({
  /** it was deleted already, and not by the run */
  deletedBefore: z.literal(true).optional(),
  /** since when the version is deleted, as the server says; null where it does not */
  deletedAt: z.string().nullable().optional(),
  /** the server's time when the version was last seen not to be deleted */
  lookedAt: z.string().optional(),
})
/** What the journal knows of the deletion of a version: nothing of the look where an earlier release made it. */
export type Deletion = z.infer<typeof Deletion>

export function deletionIn(record: Json | undefined): Deletion {
  return Deletion.safeParse(record).data ?? {}
}

export function isNotOurs(record: Json | undefined): boolean {
  return deletionIn(record).deletedBefore === true
}

/** How long after the look a deletion counts as the run's own. */
const INSTANT_MS = 5000

/**
 * Whether somebody else may have deleted a version while the call of the run was on its way, or was lost. Of two deletions the server keeps
 * the time of the first, and says to neither which it was.
 */
export function mayBeAnothers(deletedAt: string | undefined, { lookedAt }: Deletion): boolean {
  if (lookedAt === undefined || deletedAt === undefined) return false
  return Date.parse(deletedAt) > Date.parse(lookedAt) + INSTANT_MS
}
