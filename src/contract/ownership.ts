import { z } from 'zod'
import { people } from './people.ts'
import { text } from './text.ts'

const resourceOwner = z.strictObject({
  tagKey: text({ max: 128 }).describe('key of the tag that names a resource’s owner'),
  attribute: z
    .enum(['email', 'user_name', 'external_id', 'group'])
    .describe('what the tag’s value is: a fact about a person, or the name of a group'),
})

/** Who answers for an integration, and how a resource names its own owner. */
export const ownership = z
  .strictObject({
    owners: people.nullable().describe('asked where a resource has no owner of its own'),
    resourceOwner: resourceOwner.nullable().default(null),
  })
  .refine(({ owners }) => owners === null || owners.users.length + owners.groups.length > 0, {
    path: ['owners'],
    error: 'must name at least one user or group; null means no owner',
  })
  .refine(({ owners, resourceOwner: own }) => own === null || owners !== null, {
    path: ['owners'],
    error: 'is required together with resourceOwner, for resources whose tag names no owner',
  })
  .meta({ id: 'Ownership' })
export type Ownership = z.infer<typeof ownership>
