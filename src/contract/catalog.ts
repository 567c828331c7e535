import { z } from 'zod'
import { deliveryKind } from './deliveries.ts'
import { text } from './text.ts'

/** A plugin, as the catalog shows it. */
export const catalogEntry = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    vendor: z.string(),
    description: z.string(),
    guide: z.string().describe('the setup guide, as a path in the project'),
    config: z.record(z.string(), z.unknown()).describe('JSON Schema of the configuration; secrets are marked writeOnly'),
    resourceTypes: z.array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        permissions: z.array(z.strictObject({ id: z.string(), title: z.string(), description: z.string() })),
      }),
    ),
    actions: z.array(
      z.strictObject({
        name: z.string(),
        title: z.string(),
        reversible: z.boolean(),
        irreversible: z.string().optional().describe('why it cannot be undone'),
        input: z.record(z.string(), z.unknown()).describe('JSON Schema of the action’s input'),
      }),
    ),
    deliveries: z.array(deliveryKind).describe('how credentials reach people; an integration may allow fewer'),
    offers: z.strictObject({
      discovery: z.boolean(),
      grants: z.boolean(),
      sweep: z.boolean(),
      minimumPolicy: z.boolean(),
    }),
  })
  .meta({ id: 'CatalogEntry' })
export type CatalogEntry = z.infer<typeof catalogEntry>

export const catalogList = z.strictObject({ items: z.array(catalogEntry) }).meta({ id: 'Catalog' })

/** What to store in the target before the broker is connected; secrets may be left out. */
export const minimumPolicyQuestion = z
  .strictObject({ config: z.record(z.string(), z.unknown()) })
  .meta({ id: 'MinimumPolicyQuestion' })
export type MinimumPolicyQuestion = z.infer<typeof minimumPolicyQuestion>

export const policyAdvice = z
  .strictObject({
    document: z.string().describe('the policy to store in the target'),
    commands: z.array(z.string()).describe('commands that set everything up, in order, ready to paste'),
  })
  .meta({ id: 'PolicyAdvice' })

export const pluginId = text({ max: 60 })
