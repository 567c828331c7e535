import { z } from 'zod'

/** Grants in the order of their ids, latest first. */
export const byGrant = { list: 'grants', position: z.string() }
