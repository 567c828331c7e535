import { z } from 'zod'
import { issuesOf, wordsFor } from '../../platform/http/input-issues.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { BrokerError } from '../../sdk/index.ts'
import { URN } from './schemas.ts'

export interface Operation {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path?: string | undefined
  readonly value?: unknown
}

const MOST_OPERATIONS = 1000

const isPatch = (urn: string) => urn.toLowerCase() === URN.patch.toLowerCase()

const message = z.object({
  schemas: z.array(z.string()).refine((given) => given.some(isPatch), { error: `must name ${URN.patch}` }),
  operations: z
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

/** The operations of a PATCH (RFC 7644, section 3.5.2). Names are told apart without regard to case, here as in what they change. */
export function operationsOf(body: unknown): Operation[] {
  const given = inLowerCase(body)
  const operations = Array.isArray(given['operations']) ? given['operations'] : []
  if (operations.length > MOST_OPERATIONS) {
    throw new BrokerError('input.too_large', `a PATCH takes at most ${MOST_OPERATIONS} operations`, { fix: 'send several' })
  }
  const result = message.safeParse(
    { ...given, ...(operations.length > 0 && { operations: operations.map(inLowerCase) }) },
    { error: wordsFor },
  )
  if (!result.success) {
    const [issue] = issuesOf(result.error)
    const field = issue?.field.replace(/^operations/, 'Operations')
    throw new ScimRefusal('invalidValue', `${field} ${issue?.message}`, { field })
  }
  return result.data.operations.map(({ op, path, value }) => ({ op, path: path ?? undefined, value }))
}

/** What every operation must have; asked for when it is carried out, so that one without it keeps nobody in. */
export function checkOperation({ op, path, value }: Operation): void {
  if (op === 'remove' && !path) throw new ScimRefusal('noTarget', 'remove needs a path')
  if (op !== 'remove' && value === undefined) throw new ScimRefusal('invalidValue', `${op} needs a value`)
}

/** By names in lower case. Throws when two are the same then. */
export function inLowerCase(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const entries = Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner] as const)
  if (new Set(entries.map(([key]) => key)).size < entries.length) {
    throw new ScimRefusal('invalidValue', 'a name is given twice, in different cases')
  }
  return Object.fromEntries(entries)
}

/** The value as an object with names and values. */
export function partsOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScimRefusal('invalidValue', 'the value must be an object with the attributes to change')
  }
  return Object.entries(value)
}
