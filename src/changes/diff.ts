import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../sdk/index.ts'

type Fields = { readonly [key: string]: Json }

/** One thing that would be another than it is; `null` where there is or would be nothing. */
export interface Difference {
  readonly field: string
  readonly before: Json
  readonly after: Json
}

/** What a change comes to. Of what exists only the named fields change, each as a whole; of what would be made everything is new. */
export function differences(before: Fields | null, change: Json): Difference[] {
  if (!isFields(change)) return []
  if (before === null) return Object.entries(change).flatMap(([key, after]) => between(key, undefined, after))
  return Object.keys(change)
    .filter((key) => Object.hasOwn(before, key))
    .flatMap((key) => between(key, before[key], change[key]))
}

/** Down to the smallest field; lists are compared as wholes. */
function between(field: string, before: Json | undefined, after: Json | undefined): Difference[] {
  if (isDeepStrictEqual(before, after)) return []
  const fieldsBefore = isFields(before) ? before : undefined
  const fieldsAfter = isFields(after) ? after : undefined
  if ((fieldsBefore || before === undefined) && (fieldsAfter || after === undefined)) {
    const keys = [...new Set([...Object.keys(fieldsBefore ?? {}), ...Object.keys(fieldsAfter ?? {})])]
    if (keys.length > 0) return keys.flatMap((key) => between(`${field}.${key}`, own(fieldsBefore, key), own(fieldsAfter, key)))
  }
  return [{ field, before: before ?? null, after: after ?? null }]
}

function own(fields: Fields | undefined, key: string): Json | undefined {
  return fields && Object.hasOwn(fields, key) ? fields[key] : undefined
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
