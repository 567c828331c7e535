import { BrokerError } from '../sdk/index.ts'

/** For an option that may be repeated. */
export function collected(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

export function nameAndValue(given: string): [string, string] {
  const at = given.indexOf('=')
  if (at > 0) return [given.slice(0, at), given.slice(at + 1)]
  throw new BrokerError('input.invalid', `${given} gives no name a value`, { fix: 'write it as name=value' })
}

interface Form {
  [field: string]: string | Form
}

/** A form that a plugin has: `path=certs/shop`, and `fields.chain=ca.crt` for a field within a field. */
export function formOf(given: readonly string[]): Form {
  const form: Form = Object.create(null)
  for (const [name, value] of given.map(nameAndValue)) {
    const folders = name.split('.')
    const last = folders.pop()!
    let place = form
    for (const folder of folders) {
      const inside = place[folder] ?? (Object.create(null) as Form)
      if (typeof inside === 'string') {
        throw new BrokerError('input.invalid', `${folder} is given a value and fields within it`, {
          fix: 'give either the value or the fields',
        })
      }
      place[folder] = inside
      place = inside
    }
    place[last] = value
  }
  return form
}
