import { withoutSchema } from './filter-sql.ts'
import { ENTERPRISE } from './schemas.ts'

export interface Wanted {
  readonly attributes?: string | undefined
  readonly excludedAttributes?: string | undefined
}

type Part = Readonly<Record<string, unknown>>

const ALWAYS = ['schemas', 'id']
const MOST_PATHS = 100

/** The resource with what was asked for, or without what was asked away; `id` and `schemas` are always there. */
export function project(resource: Part, { attributes, excludedAttributes }: Wanted): Part {
  if (attributes !== undefined) return keep(resource, [...pathsIn(attributes), ...ALWAYS])
  if (excludedAttributes !== undefined) {
    return drop(
      resource,
      pathsIn(excludedAttributes).filter((path) => !ALWAYS.includes(path)),
    )
  }
  return resource
}

/** Whether `path`, in lower case, will be in the answer: what is costly to find need not be. */
export function isWanted(path: string, { attributes, excludedAttributes }: Wanted): boolean {
  if (attributes !== undefined) return pathsIn(attributes).some((wanted) => wanted === path || wanted.startsWith(`${path}.`))
  return excludedAttributes === undefined || !pathsIn(excludedAttributes).includes(path)
}

const EXTENSION = ENTERPRISE.id.toLowerCase()

/** In lower case, the extension's attributes under its own name: `urn:….department` */
function pathsIn(list: string): string[] {
  return list
    .split(',', MOST_PATHS)
    .map((path) => path.trim().toLowerCase())
    .filter((path) => path !== '')
    .map((path) => (path.startsWith(`${EXTENSION}:`) ? `${EXTENSION}.${path.slice(EXTENSION.length + 1)}` : withoutSchema(path)))
}

function keep(part: Part, paths: readonly string[]): Part {
  return each(part, (key, value) => {
    if (paths.includes(key)) return value
    const below = pathsBelow(key, paths)
    return below.length === 0 ? undefined : within(value, (inner) => keep(inner, below))
  })
}

function drop(part: Part, paths: readonly string[]): Part {
  return each(part, (key, value) => {
    if (paths.includes(key)) return undefined
    const below = pathsBelow(key, paths)
    return below.length === 0 || typeof value !== 'object' ? value : within(value, (inner) => drop(inner, below))
  })
}

function each(part: Part, change: (key: string, value: unknown) => unknown): Part {
  const changed = Object.entries(part).map(([key, value]) => [key, change(key.toLowerCase(), value)] as const)
  return Object.fromEntries(changed.filter(([, value]) => value !== undefined))
}

function pathsBelow(key: string, paths: readonly string[]): string[] {
  return paths.filter((path) => path.startsWith(`${key}.`)).map((path) => path.slice(key.length + 1))
}

function within(value: unknown, change: (inner: Part) => Part): unknown {
  if (Array.isArray(value)) return value.map((one) => within(one, change))
  return typeof value === 'object' && value !== null ? change(value as Part) : undefined
}
