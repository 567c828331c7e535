import { z } from 'zod'
import { person } from './people.ts'
import { text } from './text.ts'
import { durationSeconds } from './time.ts'

export const stageView = z
  .strictObject({
    parties: z.array(z.strictObject({ needed: z.int(), people: z.array(person) })).describe('how many of its people must agree'),
    escalatesAfterSeconds: z.int().nullable(),
  })
  .meta({ id: 'ApprovalStage' })

export const decision = z.enum(['approve', 'reject'])

export const newApproval = z
  .strictObject({
    decision,
    reason: text({ max: 2000, min: 0 }).default(''),
    seconds: durationSeconds.optional().describe('shorter than asked; never longer'),
  })
  .refine((approval) => approval.decision === 'approve' || approval.reason !== '', {
    path: ['reason'],
    error: 'is required to reject: the requester reads it',
  })
  .meta({ id: 'NewApproval' })
export type NewApproval = z.infer<typeof newApproval>
