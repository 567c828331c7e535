import { ScimRefusal } from '../../platform/scim-error.ts'
import type { Attribute } from './schemas.ts'

/** One value of an attribute. Entra sends "True" and "False" as text, and some send numbers for text. */
export function plainValue({ name, type }: Attribute, value: unknown): string | boolean {
  if (type === 'boolean') {
    if (value === true || /^true$/i.test(String(value))) return true
    if (value === false || /^false$/i.test(String(value))) return false
    throw new ScimRefusal('invalidValue', `${name} must be true or false`, { field: name })
  }
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new ScimRefusal('invalidValue', `${name} must be text`, { field: name })
}
