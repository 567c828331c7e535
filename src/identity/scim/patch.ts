import { z } from 'zod'
import { issuesOf, wordsFor } from '../../platform/input-issues.ts'
import { ScimRefusal } from '../../platform/scim-error.ts'
import { BrokerError } from '../../sdk/index.ts'
import { URN } from './schemas.ts'

export interface Operation {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path?: string | undefined
  readonly value?: unknown
}

const MOST_OPERATIONS = 1000

const message = z.object({
  schemas: z.array(z.string()).refine((given) => given.includes(URN.patch), { error: `must name ${URN.patch}` }),
  Operations: z
    .array(
      z.object({
        // Entra begins it with a capital.
        op: z
          .string()
          .transform((op) => op.toLowerCase())
          .pipe(z.enum(['add', 'remove', 'replace'])),
        path: z.string().min(1).max(2500).nullish(),
        value: z.unknown().optional(),
      }),
    )
    .min(1),
})

/** The operations of a PATCH (RFC 7644, section 3.5.2). */
export function operationsOf(body: unknown): Operation[] {
  const given = (body as { Operations?: unknown } | null)?.Operations
  if (Array.isArray(given) && given.length > MOST_OPERATIONS) {
    throw new BrokerError('input.too_large', `a PATCH takes at most ${MOST_OPERATIONS} operations`, { fix: 'send several' })
  }
  const result = message.safeParse(body, { error: wordsFor })
  if (!result.success) {
    const [issue] = issuesOf(result.error)
    throw new ScimRefusal('invalidValue', `${issue?.field} ${issue?.message}`, { field: issue?.field })
  }
  return result.data.Operations.map(({ op, path, value }) => {
    if (op === 'remove' && !path) throw new ScimRefusal('noTarget', 'a removal says by its path what to remove')
    if (op !== 'remove' && value === undefined) throw new ScimRefusal('invalidValue', `to ${op} needs a value`)
    return { op, path: path ?? undefined, value }
  })
}

/** The value as an object with names and values. */
export function partsOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScimRefusal('invalidValue', 'the value must be an object with the attributes to change')
  }
  return Object.entries(value)
}
