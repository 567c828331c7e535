import { z } from 'zod'
import { id } from './id.ts'
import { resource } from './integrations.ts'
import { customField } from './rules.ts'

/** What somebody may ask for on a resource, as a form needs it. Whether a request is allowed, a dry run says. */
export const resourceOffers = z
  .strictObject({
    resource,
    typeTitle: z.string().describe('what kind of thing it is'),
    permissions: z
      .array(z.strictObject({ id: z.string(), title: z.string(), description: z.string() }))
      .describe('those that any of the offers permits'),
    offers: z
      .array(
        z.strictObject({
          flow: z.strictObject({ id: id('flw'), name: z.string() }),
          permissions: z.array(z.string()),
          maxSeconds: z.int(),
          justification: z.enum(['required', 'optional']),
          fields: z.array(customField),
          automatic: z.boolean().describe('nobody has to approve'),
          emergency: z.boolean().describe('for emergencies alone'),
        }),
      )
      .describe('one for each access flow that lets the caller ask for it, in the order in which the broker looks at them'),
  })
  .meta({ id: 'ResourceOffers' })
export type ResourceOffers = z.infer<typeof resourceOffers>
