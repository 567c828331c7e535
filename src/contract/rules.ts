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
    .describe('the resource is of one of these types'),
  paths: z
    .array(text({ max: 1000 }))
    .min(1)
    .max(100)
    .optional()
    .describe('one of these globs matches its name: * stands for anything within a segment, ** across segments'),
  tags: z
    .record(text({ max: 128 }), text({ max: 512 }))
    .optional()
    .describe('it has all of these tags, with these values'),
})

/** What is asked of the requester's attributes, combined as deep as four levels. */
const comparison = z.strictObject({
  attribute: text({ max: 100 }).describe('whose value is compared: name, email, user_name, or one the identity provider sends'),
  is: z
    .enum(['equal_to', 'not_equal_to', 'containing', 'starting_with'])
    .describe(
      'how it is compared, without regard to capitals; one of several values is enough, and for not_equal_to none may match',
    ),
  value: text({ max: 500 }).describe('what it is compared with'),
})
const nested = <Inner extends z.ZodType>(inner: Inner) =>
  z.union([
    comparison,
    z.strictObject({ all: z.array(inner).min(1).max(20).describe('all of these hold') }),
    z.strictObject({ any: z.array(inner).min(1).max(20).describe('at least one of these holds') }),
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
      .max(7)
      .describe('on these days of the week'),
    from: timeOfDay.describe('from this time of day on, such as 09:30'),
    to: timeOfDay.describe('until this time of day, later than from; 24:00 is the end of the day'),
    timeZone: timeZone.describe('by the clocks of this time zone, as IANA names it: Europe/Berlin'),
  })
  .refine((window) => window.from < window.to, {
    path: ['to'],
    error: 'must be later than from; use two windows across midnight',
  })
export type TimeWindow = z.infer<typeof timeWindow>

export const fieldKey = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, { error: 'must be lower-case letters, digits and _, 40 at most' })
const asked = {
  key: fieldKey.describe('what the answer is called in requests: lower-case letters, digits and _, up to 40'),
  label: text({ max: 200 }).describe('what requesters and approvers read'),
  required: z.boolean().default(false).describe('whether a request without an answer is refused'),
}
export const customField = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text').describe('an answer in words'),
    ...asked,
    startsWith: text({ max: 100 }).optional().describe('what the answer must begin with'),
    maxLength: z.int().min(1).max(2000).default(500).describe('how many characters it may have'),
  }),
  z.strictObject({
    type: z.literal('number').describe('a number'),
    ...asked,
    min: z.number().optional().describe('the least it may be'),
    max: z.number().optional().describe('the most it may be'),
  }),
  z.strictObject({ type: z.literal('yes_or_no').describe('true or false'), ...asked }),
  z.strictObject({
    type: z.literal('choice').describe('one of the options'),
    ...asked,
    options: z
      .array(text({ max: 200 }))
      .min(1)
      .max(100)
      .describe('what may be chosen'),
  }),
])
export type CustomField = z.infer<typeof customField>

export const approverSource = z.discriminatedUnion('kind', [
  people.extend({ kind: z.literal('people').describe('these people') }),
  z.strictObject({ kind: z.literal('manager').describe('the requester’s manager, as the identity provider says') }),
  z.strictObject({ kind: z.literal('integration_owner').describe('an owner of the integration') }),
  z.strictObject({
    kind: z
      .literal('resource_owner')
      .describe('an owner of each resource that is asked for; an owner of the integration where a resource has none'),
  }),
])
export type ApproverSource = z.infer<typeof approverSource>

export const stage = z.strictObject({
  approvers: z.array(approverSource).min(1).max(10).describe('who may decide: any of these people'),
  needed: z
    .union([z.literal('all'), z.int().min(1).max(20)])
    .default(1)
    .describe('how many of them must approve; one rejection ends the request'),
  escalation: z
    .strictObject({
      afterSeconds: durationSeconds.describe('how long the stage waits for its approvers alone'),
      approvers: z.array(approverSource).min(1).max(10).describe('who may decide from then on, beside them'),
    })
    .optional()
    .describe('who may decide, too, if nobody has decided for so long'),
})
export type ApprovalStage = z.infer<typeof stage>

const requesters = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('everyone').describe('every person the broker knows') }),
  people.extend({ kind: z.literal('people').describe('these people') }),
])

export const approval = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('automatic').describe('nobody is asked: the flow itself approves') }),
  people.extend({
    kind: z.literal('approvers').describe('one stage with these people, the short form'),
    needed: z.int().min(1).max(20).default(1).describe('how many of them must approve'),
  }),
  z.strictObject({
    kind: z.literal('stages').describe('stages, one after another'),
    stages: z.array(stage).min(1).max(5).describe('who is asked, in this order'),
    mayRepeat: z.boolean().default(false).describe('whether a person who approved in one stage may approve in another, too'),
  }),
  z.strictObject({
    kind: z.literal('emergency').describe('nobody is asked: the alert list is told at once, and another person reviews it'),
    alert: people.describe('the alert list'),
    reviewers: people.optional().describe('who may review it; admins and auditors where this names nobody'),
  }),
])

export const accessRule = z
  .strictObject({
    requesters: requesters.describe('who may ask'),
    conditions: condition.optional().describe('what else must be true of the requester'),
    windows: z.array(timeWindow).min(1).max(20).optional().describe('when access may begin: in any of these windows'),
    resources: z.array(selector).min(1).max(50).describe('what may be asked for: what any of these selects'),
    permissions: z
      .record(
        text({ max: 100 }),
        z
          .array(text({ max: 100 }))
          .min(1)
          .max(50),
      )
      .describe('what may be done there: resource type → permissions'),
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
      .strictObject({
        from: z.enum(['medium', 'high']).describe('the least risk they are asked for'),
        stages: z.array(stage).min(1).max(5).describe('who is asked, in this order'),
      })
      .optional()
      .describe('for actions: further stages, after the others, from this risk on'),
    maxSeconds: durationSeconds.describe('how long access lasts at the most'),
    justification: z
      .enum(['required', 'optional'])
      .default('required')
      .describe('whether a request must say why; an emergency always must'),
    fields: z
      .array(customField)
      .max(20)
      .refine((fields) => new Set(fields.map((field) => field.key)).size === fields.length, {
        error: 'two fields have the same key',
      })
      .optional()
      .describe('what else requesters are asked, each under a key of its own'),
    approval: approval.describe('who must agree'),
    pendingSeconds: durationSeconds
      .optional()
      .describe('how long a request waits before it lapses (if left out: LATCHKEY_PENDING_HOURS)'),
    remindSeconds: durationSeconds.optional().describe('how often approvers are reminded; never, if left out'),
    notify: people.optional().describe('people who are told of every request, but do not decide'),
    delivery: delivery.default('token').describe('how the credential is handed over: one that the integration allows'),
    extensions: z
      .strictObject({
        count: z.int().min(0).max(20).describe('how often'),
        maxSeconds: durationSeconds.describe('by how much each time, at the most'),
      })
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
