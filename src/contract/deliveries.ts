import { z } from 'zod'

/** The name of a way a credential reaches its grantee, as its plugin calls it. */
export const delivery = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, { error: 'must be the name of a delivery, such as token' })

/** Who ends access on time: the target itself, or only the broker. */
export const guarantee = z.enum(['server', 'broker'])

/** A way a credential reaches its grantee, as the catalog shows it. */
export const deliveryKind = z
  .strictObject({
    name: delivery,
    title: z.string(),
    shows: z
      .enum(['once', 'wrapped'])
      .describe('once: the credential itself, in one answer; wrapped: a token that is exchanged for it, once'),
  })
  .meta({ id: 'DeliveryKind' })
