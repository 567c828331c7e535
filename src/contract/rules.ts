import { z } from 'zod'
import { delivery } from './deliveries.ts'
import { people } from './people.ts'
import { text } from './text.ts'
import { durationSeconds } from './time.ts'

/** Which resources: all of the conditions that are given must hold. */
export const selector = z.strictObject({
  types: z
    .array(text({ max: 100 }))
    .min(1)
    .max(20)
    .optional()
    .describe('resource types'),
  paths: z
    .array(text({ max: 1000 }))
    .min(1)
    .max(100)
    .optional()
    .describe('globs over names: * within a segment, ** across segments'),
  tags: z
    .record(text({ max: 128 }), text({ max: 512 }))
    .optional()
    .describe('the resource must have all of these tags'),
})

/** What is asked of the requester's attributes, combined as deep as four levels. */
const comparison = z.strictObject({
  attribute: text({ max: 100 }).describe('name, email, user_name, or one the identity provider sends'),
  is: z.enum(['equal_to', 'not_equal_to', 'containing', 'starting_with']),
  value: text({ max: 500 }),
})
const nested = <Inner extends z.ZodType>(inner: Inner) =>
  z.union([
    comparison,
    z.strictObject({ all: z.array(inner).min(1).max(20) }),
    z.strictObject({ any: z.array(inner).min(1).max(20) }),
  ])
export const condition = nested(nested(nested(comparison)))
export type Comparison = z.infer<typeof comparison>
export type Condition = Comparison | { readonly all: readonly Condition[] } | { readonly any: readonly Condition[] }

const timeOfDay = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$/, { error: 'must be a time of day such as 09:30' })
/** As IANA names it. */
export const timeZone = text({ max: 100 }).refine(isTimeZone, { error: 'is not a time zone; Europe/Berlin is one' })

export const timeWindow = z
  .strictObject({
    days: z
      .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
      .min(1)
      .max(7),
    from: timeOfDay,
    to: timeOfDay,
    timeZone,
  })
  .refine((window) => window.from < window.to, {
    path: ['to'],
    error: 'must be later than from; use two windows across midnight',
  })
export type TimeWindow = z.infer<typeof timeWindow>

export const fieldKey = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, { error: 'must be lower-case letters, digits and _, 40 at most' })
export const customField = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    key: fieldKey,
    label: text({ max: 200 }),
    required: z.boolean().default(false),
    startsWith: text({ max: 100 }).optional(),
    maxLength: z.int().min(1).max(2000).default(500),
  }),
  z.strictObject({
    type: z.literal('number'),
    key: fieldKey,
    label: text({ max: 200 }),
    required: z.boolean().default(false),
    min: z.number().optional(),
    max: z.number().optional(),
  }),
  z.strictObject({
    type: z.literal('yes_or_no'),
    key: fieldKey,
    label: text({ max: 200 }),
    required: z.boolean().default(false),
  }),
  z.strictObject({
    type: z.literal('choice'),
    key: fieldKey,
    label: text({ max: 200 }),
    required: z.boolean().default(false),
    options: z
      .array(text({ max: 200 }))
      .min(1)
      .max(100),
  }),
])
export type CustomField = z.infer<typeof customField>

export const approverSource = z.discriminatedUnion('kind', [
  people.extend({ kind: z.literal('people') }),
  z.strictObject({ kind: z.literal('manager') }).describe('the requester’s, as the identity provider says'),
  z.strictObject({ kind: z.literal('integration_owner') }),
  z
    .strictObject({ kind: z.literal('resource_owner') })
    .describe('of every resource asked for; the integration owner where it has none'),
])
export type ApproverSource = z.infer<typeof approverSource>

const stage = z.strictObject({
  approvers: z.array(approverSource).min(1).max(10).describe('any of these people'),
  needed: z.union([z.literal('all'), z.int().min(1).max(20)]).default(1),
  escalation: z
    .strictObject({ afterSeconds: durationSeconds, approvers: z.array(approverSource).min(1).max(10) })
    .optional()
    .describe('who may decide, too, if nobody has decided for so long'),
})
export type ApprovalStage = z.infer<typeof stage>

export const accessRule = z
  .strictObject({
    requesters: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('everyone') }),
      people.extend({ kind: z.literal('people') }),
    ]),
    conditions: condition.optional().describe('what else must be true of the requester'),
    windows: z.array(timeWindow).min(1).max(20).optional().describe('when access may begin: in any of these windows'),
    resources: z.array(selector).min(1).max(50).describe('any of these'),
    permissions: z
      .record(
        text({ max: 100 }),
        z
          .array(text({ max: 100 }))
          .min(1)
          .max(50),
      )
      .describe('resource type → permissions'),
    actions: z
      .record(
        text({ max: 100 }),
        z
          .array(text({ max: 60 }))
          .min(1)
          .max(50),
      )
      .optional()
      .describe('resource type → actions that may be asked for on these resources'),
    riskStages: z
      .strictObject({ from: z.enum(['medium', 'high']), stages: z.array(stage).min(1).max(5) })
      .optional()
      .describe('for actions: further stages, after the others, from this risk on'),
    maxSeconds: durationSeconds,
    justification: z.enum(['required', 'optional']).default('required'),
    fields: z
      .array(customField)
      .max(20)
      .refine((fields) => new Set(fields.map((field) => field.key)).size === fields.length, {
        error: 'two fields have the same key',
      })
      .optional(),
    approval: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('automatic') }),
      people.extend({ kind: z.literal('approvers'), needed: z.int().min(1).max(20).default(1) }),
      z
        .strictObject({
          kind: z.literal('stages'),
          stages: z.array(stage).min(1).max(5),
          mayRepeat: z
            .boolean()
            .default(false)
            .describe('whether a person who approved in one stage may approve in another, too'),
        })
        .describe('stages, one after another'),
      z
        .strictObject({ kind: z.literal('emergency'), alert: people, reviewers: people.optional() })
        .describe('no approval: everybody on the alert list is told at once, and another person must review it'),
    ]),
    pendingSeconds: durationSeconds
      .optional()
      .describe('how long a request waits before it lapses (default: LATCHKEY_PENDING_HOURS)'),
    remindSeconds: durationSeconds.optional().describe('how often approvers are reminded'),
    notify: people.optional().describe('people who are told of every request, but do not decide'),
    delivery: delivery.default('token').describe('how the credential is handed over: one that the integration allows'),
    extensions: z
      .strictObject({ count: z.int().min(0).max(20), maxSeconds: durationSeconds })
      .default({ count: 0, maxSeconds: 3600 })
      .describe('how often an active grant may be extended, and by how much each time'),
  })
  .meta({ id: 'AccessRule' })
export type AccessRule = z.infer<typeof accessRule>

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
