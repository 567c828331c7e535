import { z } from 'zod'
import { stageView } from './approvals.ts'
import { id } from './id.ts'
import { newRequest } from './requests.ts'
import { text } from './text.ts'
import { durationSeconds } from './time.ts'

export const newSimulation = z
  .strictObject({
    resourceId: id('res'),
    permissions: z
      .array(text({ max: 100 }))
      .min(1)
      .max(50),
    seconds: durationSeconds.optional().describe('left out: an hour, or as long as the flow allows where that is shorter'),
    userId: id('usr').optional().describe('one person; left out: everybody active'),
    fields: newRequest.shape.fields,
  })
  .meta({ id: 'NewSimulation' })
export type NewSimulation = z.infer<typeof newSimulation>

export const simulation = z
  .strictObject({
    flows: z.array(
      z.strictObject({
        id: id('flw'),
        name: z.string(),
        version: z.int(),
        approval: z.enum(['automatic', 'approvers', 'stages', 'emergency']),
        people: z
          .array(z.strictObject({ id: id('usr'), name: z.string(), stages: z.array(stageView) }))
          .describe('the people who could get it, and those who would decide'),
        count: z.int().describe('how many people could get it; at most 200 of them are named'),
        reasons: z.array(z.string()).describe('why this one person could not get it'),
      }),
    ),
  })
  .meta({ id: 'Simulation' })
export type Simulation = z.infer<typeof simulation>
