import { z } from 'zod'
import { id } from './id.ts'

/** Named people: users, and everybody who is in the groups at the time. */
export const people = z.strictObject({
  users: z.array(id('usr')).max(200).default([]).describe('these people'),
  groups: z.array(id('grp')).max(200).default([]).describe('everybody who is in these groups at the time'),
})
export type People = z.infer<typeof people>

/** Somebody as others are shown them: the name is theirs to choose at many providers, so it does not come alone. */
export const person = z.strictObject({
  id: id('usr'),
  name: z.string(),
  userName: z.string().nullable().describe('their user name at sign-in'),
  email: z.string().nullable().describe('verified, or set by an admin'),
})
