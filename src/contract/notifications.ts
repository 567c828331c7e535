import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { name, text } from './text.ts'
import { instant } from './time.ts'

const EVENTS = 'is not an event; give a name from the audit trail (grant.revoked), a family (grant.*) or *'

/** Which events a receiver is told of: names of the audit trail, families of them, or all. */
const events = z
  .array(text({ max: 100 }).regex(/^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$/, { error: EVENTS }))
  .min(1)
  .max(50)
  .describe('names from the audit trail (grant.revoked), families (grant.*), or *')

const url = text({ max: 2000 }).describe('https, at a public address; no redirects are followed')

export const webhook = z
  .strictObject({
    id: id('whk'),
    name: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    active: z.boolean(),
    pausedBecause: z
      .string()
      .nullable()
      .describe('why the broker paused it: the admin who answers for it has left or is no longer an admin'),
    formerSecretUntil: instant.nullable().describe('until then messages carry a signature with the former secret, too'),
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'Webhook' })
export type WebhookView = z.infer<typeof webhook>
export const webhookPage = page(webhook).meta({ id: 'WebhookPage' })
export const webhookQuery = z.strictObject(pageQuery)
export type WebhookQuery = z.infer<typeof webhookQuery>

export const newWebhook = z
  .strictObject({ name: name(), url, events: events.default(['*']), active: z.boolean().default(true) })
  .meta({ id: 'NewWebhook' })
export type NewWebhook = z.infer<typeof newWebhook>

export const webhookChange = z
  .strictObject({ name: name().optional(), url: url.optional(), events: events.optional(), active: z.boolean().optional() })
  .refine((change) => Object.keys(change).length > 0, { error: 'the change is empty: give name, url, events or active' })
  .meta({ id: 'WebhookChange' })
export type WebhookChange = z.infer<typeof webhookChange>

export const webhookWithSecret = z
  .strictObject({ ...webhook.shape, secret: z.string().describe('whsec_…, shown only now') })
  .meta({ id: 'WebhookWithSecret' })
export type WebhookWithSecret = z.infer<typeof webhookWithSecret>

export const secretRotation = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * 86_400)
      .default(86_400)
      .describe('how long messages carry signatures with both secrets'),
  })
  .meta({ id: 'SecretRotation' })
export type SecretRotation = z.infer<typeof secretRotation>

export const webhookTrial = z
  .strictObject({ ok: z.boolean(), detail: z.string().describe('what the receiver answered, or why it was not reached') })
  .meta({ id: 'WebhookTrial' })
export type WebhookTrial = z.infer<typeof webhookTrial>

export const notificationState = z.enum(['waiting', 'sent', 'dead'])
export const channel = z.enum(['email', 'webhook'])

export const notificationDelivery = z
  .strictObject({
    id: id('ntf').describe('the same at every attempt: the webhook-id, and in the Message-ID'),
    event: z.strictObject({ id: id('aud'), kind: z.string(), subject: z.string(), at: instant }),
    channel,
    to: z.strictObject({ id: z.string().describe('a person or a webhook'), name: z.string().nullable() }),
    state: notificationState.describe('dead: given up after 24 hours of attempts'),
    attempts: z.int(),
    lastError: z.string().nullable(),
    nextAttemptAt: instant.nullable(),
    createdAt: instant,
    settledAt: instant.nullable(),
  })
  .meta({ id: 'NotificationDelivery' })
export type NotificationDelivery = z.infer<typeof notificationDelivery>
export const notificationDeliveryPage = page(notificationDelivery).meta({ id: 'NotificationDeliveryPage' })
export const notificationDeliveryQuery = z.strictObject({
  ...pageQuery,
  state: notificationState.optional(),
  channel: channel.optional(),
  to: z.union([id('usr'), id('whk')]).optional(),
  subject: text({ max: 100 }).optional().describe('what the event happened to: a request, a grant'),
})
export type NotificationDeliveryQuery = z.infer<typeof notificationDeliveryQuery>
