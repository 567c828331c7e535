import { z } from 'zod'

/** How a system or a target is removed. */
export const removal = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .describe('true: also where something is left that can be taken back only as long as it is here; the audit trail names it'),
})
export type Removal = z.infer<typeof removal>

export function isForced({ force }: Removal): boolean {
  return force === 'true'
}
