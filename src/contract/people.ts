import { z } from 'zod'
import { id } from './id.ts'

/** Named people: users, and whoever is in the groups at the time. */
export const people = z.strictObject({
  users: z.array(id('usr')).max(200).default([]),
  groups: z.array(id('grp')).max(200).default([]),
})
export type People = z.infer<typeof people>
