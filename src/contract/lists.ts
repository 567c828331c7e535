import { z } from 'zod'
import { text } from './text.ts'

const LIMIT = 'must be a number from 1 to 200'

/** What every list takes; a list with filters spreads it: `z.strictObject({ ...pageQuery, state: … })`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^([1-9][0-9]?|1[0-9]{2}|200)$/, { error: LIMIT })
    .transform(Number)
    .default(50)
    .meta({ description: 'how many items to answer with at most, 1 to 200 (default: 50)' }),
  // A name of 2000 bytes, packed and in base64, and what stands beside it.
  cursor: text({ max: 4000 }).optional().meta({ description: 'where to go on: `next` of the answer before' }),
}

/** One page of a list; `next` is null on the last. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next: z.string().nullable() })
}
export interface Page<Item> {
  items: Item[]
  next: string | null
}
