import { z } from 'zod'
import { Database, row, rows } from '../../platform/postgres/database.ts'
import { parseFilter } from './filter.ts'
import { type Columns, conditionOf } from './filter-sql.ts'
import { URN } from './schemas.ts'

const integer = z
  .string()
  .regex(/^[+-]?\d{1,9}$/, { error: 'must be a whole number' })
  .transform(Number)
const paths = z.string().max(4000).optional()

/** Of an answer with one resource. What else a client sends along is passed over. */
export const oneQuery = z.object({ attributes: paths, excludedAttributes: paths })
export type OneQuery = z.infer<typeof oneQuery>

export const listQuery = z.object({
  ...oneQuery.shape,
  filter: z.string().optional(),
  startIndex: integer.optional(),
  count: integer.optional(),
})
export type ListQuery = z.infer<typeof listQuery>

export const MOST_RESULTS = 200

export interface Found<Row> {
  readonly total: number
  readonly startIndex: number
  readonly rows: readonly Row[]
}

interface Source {
  /** `select …` of the rows and what they are made from */
  readonly select: string
  /** `from … where …`: everything a client may see */
  readonly from: string
  readonly columns: Columns
}

/** One page in the order of ids, which is that of their making. */
export async function findPage<Row>(
  { pool }: Pick<Database, 'pool'>,
  { select, from, columns }: Source,
  { filter, startIndex = 1, count = 100 }: ListQuery,
): Promise<Found<Row>> {
  const values: unknown[] = []
  const condition = filter === undefined ? 'true' : conditionOf(parseFilter(filter), columns, values)
  const begin = Math.max(1, startIndex)
  const limit = Math.min(Math.max(0, count), MOST_RESULTS)
  const counted = await row<{ total: number }>(pool, `select count(*)::int as total ${from} and ${condition}`, values)
  const found =
    limit === 0
      ? []
      : await rows<Row>(
          pool,
          `${select} ${from} and ${condition} order by id limit $${values.length + 1} offset $${values.length + 2}`,
          [...values, limit, begin - 1],
        )
  return { total: counted?.total ?? 0, startIndex: begin, rows: found }
}

export function listResponse({ total, startIndex }: Omit<Found<unknown>, 'rows'>, resources: readonly object[]) {
  return {
    schemas: [URN.list],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}
