import { ScimRefusal } from '../../platform/http/scim-error.ts'
import type { Attribute } from './schemas.ts'

/** One value of an attribute. Entra sends "True" and "False" as text, and some send numbers for text. */
export function plainValue({ name, type }: Attribute, value: unknown): string | boolean {
  if (type === 'boolean') {
    const said = typeof value === 'string' ? value.toLowerCase() : value
    if (said === true || said === 'true') return true
    if (said === false || said === 'false') return false
    throw new ScimRefusal('invalidValue', `${name} must be true or false`, { field: name })
  }
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new ScimRefusal('invalidValue', `${name} must be text`, { field: name })
}
