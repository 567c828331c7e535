import { type Filter, invalid } from './filter.ts'
import { withoutSchema } from './filter-sql.ts'

export type Values = Readonly<Record<string, string | boolean | undefined>>

/** Whether one of several values, as an e-mail address with its type, is meant by a filter in a path. Cases are folded. */
export function matches(filter: Filter, values: Values): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => matches(part, values))
    case 'or':
      return filter.parts.some((part) => matches(part, values))
    case 'not':
      return !matches(filter.part, values)
    case 'present':
      return read(filter.path, values) !== undefined
    case 'any':
      throw invalid('a filter in brackets cannot hold another one')
    case 'compare': {
      const [found, wanted] = [fold(read(filter.path, values)), fold(filter.value ?? undefined)]
      switch (filter.operator) {
        case 'eq':
          return found === wanted
        case 'ne':
          return found !== wanted
        case 'co':
          return found?.includes(wanted ?? '') ?? false
        case 'sw':
          return found?.startsWith(wanted ?? '') ?? false
        case 'ew':
          return found?.endsWith(wanted ?? '') ?? false
        case 'gt':
        case 'ge':
        case 'lt':
        case 'le':
          throw invalid('these values cannot be ordered: use eq or ne')
      }
    }
  }
}

/** What a value must be to be meant: `type eq "work"` and nothing vaguer. */
export function descriptionIn(filter: Filter): Record<string, string | boolean> | undefined {
  if (filter.kind === 'and') {
    const parts = filter.parts.map(descriptionIn)
    return parts.every((part) => part !== undefined) ? Object.assign({}, ...parts) : undefined
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq') return undefined
  const { value } = filter
  return typeof value === 'string' || typeof value === 'boolean' ? { [withoutSchema(filter.path)]: value } : undefined
}

function read(path: string, values: Values): string | boolean | undefined {
  const name = withoutSchema(path)
  return Object.hasOwn(values, name) ? values[name] : undefined
}

function fold(value: string | number | boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value).toLowerCase()
}
