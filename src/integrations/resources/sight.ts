import { globToRegex } from './glob.ts'

/** What somebody may know of: everything, or what any of these picks. A person who is not told of a thing cannot tell it from one that is not there. */
export type Sight = 'all' | readonly Picked[]

/** Some of what one integration has. */
export interface Picked {
  readonly integrationId: string
  readonly types: readonly string[]
  /** any of these */
  readonly selectors: readonly {
    readonly types?: readonly string[] | undefined
    readonly paths?: readonly string[] | undefined
    readonly tags?: Readonly<Record<string, string>> | undefined
  }[]
}

/** SQL: whether `r`, a row of resources, is in somebody's sight; `place` keeps a value and answers its placeholder. */
export function inSight(sight: Sight, place: (value: unknown) => string): string {
  if (sight === 'all') return 'true'
  return anyOf(
    sight.map(({ integrationId, types, selectors }) =>
      allOf([
        `r.integration_id = ${place(integrationId)}`,
        `r.type = any(${place(types)})`,
        anyOf(
          selectors.map((selector) =>
            allOf([
              ...(selector.types ? [`r.type = any(${place(selector.types)})`] : []),
              ...(selector.paths && !selector.paths.includes('**')
                ? [`r.name ~ any(${place(selector.paths.map(globToRegex))}::text[])`]
                : []),
              ...(selector.tags ? [`r.tags @> ${place(JSON.stringify(selector.tags))}::jsonb`] : []),
            ]),
          ),
        ),
      ]),
    ),
  )
}

const anyOf = (conditions: readonly string[]) => (conditions.length === 0 ? 'false' : `(${conditions.join(' or ')})`)
const allOf = (conditions: readonly string[]) => (conditions.length === 0 ? 'true' : `(${conditions.join(' and ')})`)
