import { z } from 'zod'

/** Calls to a target that may have changed something: its own audit log has each under its ids. */
export const targetCalls = z
  .array(
    z.strictObject({
      to: z.enum(['do', 'undo']).describe('whether it did something or took it back'),
      asked: z.string().describe('as the target’s log names it: `POST secret/data/certs/shop`'),
      observed: z.string().describe('the status of the answer, why there was none, or that nobody kept it'),
      requestId: z.string().nullable(),
      requestIdBy: z.enum(['target', 'broker']).nullable(),
      correlationId: z.string().nullable().describe('the broker’s own id, sent with the call'),
      at: z.string(),
    }),
  )
  .readonly()
  .meta({ id: 'TargetCalls' })
