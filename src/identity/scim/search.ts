import { z } from 'zod'
import { issuesOf, wordsFor } from '../../platform/http/input-issues.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import type { ListQuery } from './list.ts'
import { inLowerCase } from './patch.ts'
import { URN } from './schemas.ts'

const place = z.int().min(-999_999_999).max(999_999_999).nullish()
const paths = z.array(z.string().max(4000)).max(100).nullish()

const message = z.object({
  schemas: z
    .array(z.string())
    .refine((given) => given.some((urn) => urn.toLowerCase() === URN.search.toLowerCase()), { error: `must name ${URN.search}` }),
  attributes: paths,
  excludedattributes: paths,
  filter: z.string().nullish(),
  startindex: place,
  count: place,
})

/** What a POST to `.search` asks for (RFC 7644, section 3.4.3): the same as a list with a query. */
export function searchOf(body: unknown): ListQuery {
  const result = message.safeParse(inLowerCase(body), { error: wordsFor })
  if (!result.success) {
    const [issue] = issuesOf(result.error)
    throw new ScimRefusal('invalidValue', `${issue?.field} ${issue?.message}`, { field: issue?.field })
  }
  const { attributes, excludedattributes, filter, startindex, count } = result.data
  return {
    attributes: attributes?.join(','),
    excludedAttributes: excludedattributes?.join(','),
    filter: filter ?? undefined,
    startIndex: startindex ?? undefined,
    count: count ?? undefined,
  }
}
