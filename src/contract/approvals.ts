import { z } from 'zod'
import { person } from './people.ts'
import { text } from './text.ts'
import { durationSeconds } from './time.ts'

export const stageView = z
  .strictObject({
    parties: z
      .array(z.strictObject({ needed: z.int(), people: z.array(person) }))
      .describe('each must agree with so many of its people'),
    escalatesAfterSeconds: z.int().nullable(),
  })
  .meta({ id: 'ApprovalStage' })

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
