import { z } from 'zod'
import { durationSeconds, instant, name, page, pageQuery, text } from './common.ts'
import { id } from './id.ts'

const people = z.strictObject({
  users: z.array(id('usr')).max(200).default([]),
  groups: z.array(id('grp')).max(200).default([]),
})

export const delivery = z.enum(['token', 'password'])

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
    .describe('every one of these tags'),
})

export const accessRule = z
  .strictObject({
    requesters: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('everyone') }),
      people.extend({ kind: z.literal('people') }),
    ]),
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
    maxSeconds: durationSeconds,
    justification: z.enum(['required', 'optional']).default('required'),
    approval: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('automatic') }),
      people.extend({ kind: z.literal('approvers'), needed: z.int().min(1).max(20).default(1) }),
    ]),
    delivery: delivery.default('token'),
    extensions: z
      .strictObject({ count: z.int().min(0).max(20), maxSeconds: durationSeconds })
      .default({ count: 0, maxSeconds: 3600 })
      .describe('how often a running grant may be extended, and by how much each time'),
  })
  .meta({ id: 'AccessRule' })
export type AccessRule = z.infer<typeof accessRule>

export const newFlow = z
  .strictObject({ name: name(), integrationId: id('int'), active: z.boolean().default(true), rule: accessRule })
  .meta({ id: 'NewAccessFlow' })
export type NewFlow = z.infer<typeof newFlow>

export const changedFlow = z
  .strictObject({
    name: name().optional(),
    active: z.boolean().optional(),
    rule: accessRule.optional(),
    version: z.int().min(1).optional(),
  })
  .meta({
    id: 'ChangedAccessFlow',
    description: 'a rule makes a new version; `version` refuses the change if somebody was faster',
  })
export type ChangedFlow = z.infer<typeof changedFlow>

export const flowView = z
  .strictObject({
    id: id('flw'),
    name: z.string(),
    integrationId: id('int'),
    active: z.boolean(),
    version: z.int(),
    rule: accessRule,
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'AccessFlow' })
export type FlowView = z.infer<typeof flowView>
export const flowPage = page(flowView).meta({ id: 'AccessFlowPage' })
export const flowQuery = z.strictObject({ ...pageQuery, integration: id('int').optional() })
export type FlowQuery = z.infer<typeof flowQuery>

export const newRequest = z
  .strictObject({
    flowId: id('flw').optional().describe('left out: the first flow that allows it, automatic ones before others'),
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
      .max(100),
    seconds: durationSeconds,
    justification: text({ max: 2000, min: 0 }).default(''),
  })
  .meta({ id: 'NewAccessRequest' })
export type NewRequest = z.infer<typeof newRequest>

const person = z.strictObject({ id: id('usr'), name: z.string() })

export const dryRun = z
  .strictObject({
    allowed: z.boolean(),
    reasons: z.array(z.string()).describe('why not'),
    flow: z.strictObject({ id: id('flw'), name: z.string(), version: z.int() }).nullable(),
    automatic: z.boolean(),
    needed: z.int().describe('how many must approve'),
    approvers: z.array(person),
    steps: z.array(z.strictObject({ kind: z.string(), target: z.string(), summary: z.string(), args: z.unknown() })),
    guarantee: z.enum(['server', 'broker']).nullable(),
  })
  .meta({ id: 'DryRun' })
export type DryRun = z.infer<typeof dryRun>

export const newApproval = z
  .strictObject({
    decision: z.enum(['approve', 'reject']),
    reason: text({ max: 2000, min: 0 }).default(''),
    seconds: durationSeconds.optional().describe('shorter than asked; never longer'),
  })
  .refine((approval) => approval.decision === 'approve' || approval.reason !== '', {
    path: ['reason'],
    error: 'is required when rejecting: the requester is told',
  })
  .meta({ id: 'NewApproval' })
export type NewApproval = z.infer<typeof newApproval>

export const requestState = z.enum(['pending', 'approved', 'rejected', 'cancelled', 'expired'])

export const requestView = z
  .strictObject({
    id: id('req'),
    state: requestState,
    flow: z.strictObject({ id: id('flw'), name: z.string(), version: z.int() }),
    integrationId: id('int'),
    requester: person,
    resources: z.array(
      z.strictObject({ resourceId: id('res'), type: z.string(), name: z.string(), permissions: z.array(z.string()) }),
    ),
    seconds: z.int(),
    approvedSeconds: z.int().nullable(),
    justification: z.string(),
    delivery,
    extendsGrantId: id('grt').nullable(),
    grantId: id('grt').nullable(),
    needed: z.int(),
    approvers: z.array(person).describe('who may decide now'),
    approvals: z.array(
      z.strictObject({
        approver: person,
        decision: z.enum(['approve', 'reject']),
        reason: z.string(),
        seconds: z.int().nullable(),
        at: instant,
      }),
    ),
    steps: z.array(z.strictObject({ kind: z.string(), target: z.string(), summary: z.string(), args: z.unknown() })),
    createdAt: instant,
    expiresAt: instant,
    decidedAt: instant.nullable(),
  })
  .meta({ id: 'AccessRequest' })
export type RequestView = z.infer<typeof requestView>
export const requestPage = page(requestView.omit({ steps: true, approvers: true }).meta({ id: 'AccessRequestItem' })).meta({
  id: 'AccessRequestPage',
})
export const requestQuery = z.strictObject({
  ...pageQuery,
  state: requestState.optional(),
  role: z.enum(['requester', 'approver', 'any']).default('requester').describe('mine, those I may decide, or all I may see'),
})
export type RequestQuery = z.infer<typeof requestQuery>
