import { z } from 'zod'

/** What every refusal looks like, as `application/problem+json` (RFC 9457). */
export const problem = z
  .strictObject({
    type: z.string().describe('urn:latchkey:problem: and the code'),
    title: z.string().describe('what the code means, always the same'),
    status: z.int(),
    code: z.string().describe('one of docs/errors.md'),
    message: z.string().describe('what was tried and what came of it'),
    fix: z.string().optional().describe('what the reader can do about it'),
    field: z.string().optional().describe('the first offending field, as a path: resources.0.path'),
    issues: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe('every offending field, when there is more than one'),
    requestId: z.string().describe('finds the lines of the broker’s log'),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problem>
