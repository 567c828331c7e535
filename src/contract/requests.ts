import { z } from 'zod'
import { decision, stageView } from './approvals.ts'
import { delivery, guarantee } from './deliveries.ts'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { person } from './people.ts'
import { fieldKey } from './rules.ts'
import { actionName, riskLevel, runPreview } from './runs.ts'
import { text } from './text.ts'
import { durationSeconds, instant } from './time.ts'

export const newRequest = z
  .strictObject({
    flowId: id('flw')
      .optional()
      .describe('id of the flow to ask under; left out: the first that allows it, automatic ones first'),
    resources: z
      .array(
        z.strictObject({
          resourceId: id('res'),
          permissions: z
            .array(text({ max: 100 }))
            .min(1)
            .max(50),
        }),
      )
      .min(1)
      .max(100)
      .optional(),
    bundleId: id('bnd').optional().describe('everything in this bundle, instead of resources'),
    seconds: durationSeconds
      .optional()
      .describe('how long you need it; left out: an hour, or as long as the flow allows where that is shorter'),
    justification: text({ max: 2000, min: 0 }).default(''),
    fields: z.record(fieldKey, z.union([text({ max: 2000, min: 0 }), z.number(), z.boolean()])).default({}),
    emergency: z.boolean().default(false).describe('confirms an emergency: everybody on the alert list is told at once'),
  })
  .refine((request) => (request.resources === undefined) !== (request.bundleId === undefined), {
    path: ['resources'],
    error: 'is required, or bundleId instead; not both',
  })
  .meta({ id: 'NewAccessRequest' })
export type NewRequest = z.infer<typeof newRequest>

export const dryRun = z
  .strictObject({
    allowed: z.boolean(),
    reasons: z.array(z.string()).describe('why not'),
    flow: z.strictObject({ id: id('flw'), name: z.string(), version: z.int() }).nullable(),
    seconds: z.int().describe('how long it would last'),
    automatic: z.boolean(),
    needed: z.int().describe('how many people must approve, in all stages together'),
    approvers: z.array(person).describe('who may decide first'),
    stages: z.array(stageView),
    steps: z.array(z.strictObject({ kind: z.string(), target: z.string(), summary: z.string(), args: z.unknown() })),
    guarantee: guarantee.nullable(),
  })
  .meta({ id: 'DryRun' })
export type DryRun = z.infer<typeof dryRun>

/** What a request for an action asks for. */
const askedAction = z.strictObject({
  name: z.string(),
  title: z.string(),
  input: z.unknown().describe('without its secrets'),
  risk: z.strictObject({ level: riskLevel, reasons: z.array(z.string()) }),
  reversible: z.boolean(),
  irreversible: z.string().optional().describe('why it cannot be undone'),
  runId: id('run').nullable().describe('once it is approved'),
})

export const newActionRequest = z
  .strictObject({
    integrationId: id('int'),
    action: actionName,
    input: z.record(z.string(), z.unknown()).describe('as the action’s schema says'),
    confirm: text({ max: 500 }).optional().describe('name of what it changes, as confirmation if it cannot be undone'),
    flowId: id('flw')
      .optional()
      .describe('id of the flow to ask under; left out: the first that allows it, automatic ones first'),
    justification: text({ max: 2000, min: 0 }).default(''),
    fields: z.record(fieldKey, z.union([text({ max: 2000, min: 0 }), z.number(), z.boolean()])).default({}),
    emergency: z.boolean().default(false).describe('confirms an emergency: everybody on the alert list is told at once'),
  })
  .meta({ id: 'NewActionRequest' })
export type NewActionRequest = z.infer<typeof newActionRequest>

export const actionDryRun = z
  .strictObject({
    allowed: z.boolean(),
    reasons: z.array(z.string()).describe('why not'),
    flow: z.strictObject({ id: id('flw'), name: z.string(), version: z.int() }).nullable(),
    automatic: z.boolean(),
    stages: z.array(stageView),
    preview: runPreview.nullable().describe('what would be done; null if no flow allows it'),
  })
  .meta({ id: 'ActionDryRun' })
export type ActionDryRun = z.infer<typeof actionDryRun>

export const requestKind = z.enum(['access', 'extension', 'action']).describe('what an approval leads to')
export type RequestKind = z.infer<typeof requestKind>
export const requestState = z.enum(['pending', 'approved', 'rejected', 'cancelled', 'expired'])

export const requestView = z
  .strictObject({
    id: id('req'),
    kind: requestKind,
    asked: z.string().describe('what it asks for, as a phrase'),
    state: requestState,
    flow: z.strictObject({ id: id('flw'), name: z.string(), version: z.int() }),
    integrationId: id('int'),
    requester: person,
    resources: z.array(
      z.strictObject({ resourceId: id('res'), type: z.string(), name: z.string(), permissions: z.array(z.string()) }),
    ),
    action: askedAction.nullable().describe('what is to be done; null: the request is for access'),
    seconds: z.int().describe('of an action: nothing'),
    approvedSeconds: z.int().nullable(),
    justification: z.string(),
    delivery,
    extendsGrantId: id('grt').nullable(),
    grantId: id('grt').nullable(),
    needed: z
      .int()
      .describe('how many people must approve at least, in all stages together; `waitsFor` says who is still needed now'),
    stage: z.int().describe('number of the stage that waits, from 0'),
    undecidable: z.boolean().describe('true: it waits, but too few people are left who may approve it'),
    emergency: z.boolean(),
    fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    fieldLabels: z.record(z.string(), z.string()).describe('what the access flow calls each of the fields'),
    approvers: z.array(person).describe('who may decide now'),
    stages: z.array(stageView),
    waitsFor: z
      .array(z.strictObject({ missing: z.int(), people: z.array(person) }))
      .optional()
      .describe('who must still approve in the present stage: how many of which people; empty if nothing waits'),
    approvals: z.array(
      z.strictObject({
        approver: person,
        stage: z.int(),
        decision,
        reason: z.string(),
        seconds: z.int().nullable(),
        at: instant,
      }),
    ),
    steps: z
      .array(z.strictObject({ kind: z.string(), target: z.string(), summary: z.string(), args: z.unknown() }))
      .describe('what an approval would do, as planned when it was asked for; later the steps themselves'),
    createdAt: instant,
    expiresAt: instant,
    decidedAt: instant.nullable(),
    endReason: z.string().nullable().describe('why the broker ended it while it waited'),
  })
  .meta({ id: 'AccessRequest' })
export type RequestView = z.infer<typeof requestView>
export const requestPage = page(
  requestView.omit({ steps: true, approvers: true, stages: true }).meta({ id: 'AccessRequestItem' }),
).meta({
  id: 'AccessRequestPage',
})
export const requestQuery = z.strictObject({
  ...pageQuery,
  state: requestState.optional(),
  role: z
    .enum(['requester', 'approver', 'any'])
    .default('requester')
    .describe('requester: your own; approver: those you may decide; any: all you may see'),
})
export type RequestQuery = z.infer<typeof requestQuery>
