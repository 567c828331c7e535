import type { Schema as Described } from './data-in-words.ts'

interface Schema extends Described<Schema> {
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly description?: string
  readonly default?: unknown
  readonly oneOf?: readonly Schema[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** What has a table of its own, below a heading of its own, and is only named elsewhere. */
export interface Part {
  readonly heading: string
  /** one of them, in words */
  readonly word: string
  /** the forms it is written in: of what holds itself, one for each level */
  readonly forms: readonly object[]
}

export const HEAD = ['field', 'holds', 'if left out', 'limits', 'what it says']

/** A row for every field of a part: its name, type, default, limits and meaning, as its schema has them. */
export function fieldsOf(part: Part, parts: readonly Part[]): string[][] {
  const words = new Map<string, string>()
  for (const { heading, word, forms } of parts) {
    const link = `[${word}](#${heading.toLowerCase().replaceAll(' ', '-')})`
    for (const form of forms) words.set(shapeOf(form as Schema), link)
  }
  return rowsOf(resolved(part.forms[0] as Schema), '', words)
}

function rowsOf(schema: Schema, before: string, parts: ReadonlyMap<string, string>): string[][] {
  const options = schema.oneOf ?? schema.anyOf
  const field = (owner: Schema, name: string, tail = '') => rowsOfField(owner, name, `\`${before}${name}\`${tail}`, before, parts)
  if (!options) return Object.keys(schema.properties ?? {}).flatMap((name) => field(schema, name))

  const names = [...new Set(options.flatMap(({ properties = {} }) => Object.keys(properties)))]
  const chooses = names.find((name) => options.every(({ properties }) => properties?.[name]?.const !== undefined))
  const choiceOf = ({ properties = {} }: Schema) => properties[chooses ?? '']
  const chosen = options.map((option) => {
    const { const: word, description = '' } = choiceOf(option) ?? {}
    return [`\`${chooses}\`: \`${word}\``, 'this word', 'required', '', description]
  })
  const others = names
    .filter((name) => name !== chooses)
    .flatMap((name) => {
      const having = options.filter(({ properties }) => properties?.[name] !== undefined)
      const of = having.map((option) => `\`${choiceOf(option)?.const}\``).join(', ')
      return field(having[0]!, name, chooses !== undefined && having.length < options.length ? ` of ${of}` : '')
    })
  return chooses === undefined ? others : [...chosen, ...others]
}

/** The row of a field, and of those in it where it is no part of its own. */
function rowsOfField(owner: Schema, name: string, label: string, before: string, parts: ReadonlyMap<string, string>): string[][] {
  const field = owner.properties![name]!
  const own = [label, typeOf(field, parts), leftOut(owner, name), limitsOf(field, name, parts), field.description ?? '']
  const isNested = field.properties !== undefined && !parts.has(shapeOf(field))
  return [own, ...(isNested ? rowsOf(field, `${before}${name}.`, parts) : [])]
}

function leftOut({ required = [], properties = {} }: Schema, name: string): string {
  const assumed = properties[name]?.default
  if (assumed !== undefined) return `\`${JSON.stringify(assumed).replaceAll(/([:,])/g, '$1 ')}\``
  return required.includes(name) ? 'required' : 'nothing'
}

function typeOf(schema: Schema, parts: ReadonlyMap<string, string>): string {
  const part = parts.get(shapeOf(schema))
  if (part !== undefined) return part
  if (schema.anyOf) return schema.anyOf.map((option) => typeOf(option, parts)).join(' or ')
  if (schema.enum)
    return schema.enum
      .map((word) => `\`${word}\``)
      .join(', ')
      .replace(/, (?=[^,]*$)/, ' or ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.type === 'array') return `list of ${typeOf(schema.items!, parts)}`
  if (schema.type === 'string')
    return /^\^(usr|grp)_/.test(schema.pattern ?? '') ? `\`${schema.pattern!.slice(1, 4)}_…\`` : 'text'
  if (schema.type === 'object' && !schema.properties) {
    return `${typeOf(schema.propertyNames!, parts)} → ${typeOf(schema.additionalProperties as Schema, parts)}`
  }
  const words = { boolean: '`true` or `false`', integer: 'a whole number', number: 'a number', object: 'an object' }
  const word = Object.entries(words).find(([type]) => type === schema.type)?.[1]
  if (word === undefined) throw new TypeError(`no words for ${JSON.stringify(schema)}`)
  return word
}

function limitsOf(schema: Schema, name: string, parts: ReadonlyMap<string, string>): string {
  const { type, minItems, maxItems, minLength = 0, maxLength, minimum, maximum } = schema
  if (parts.has(shapeOf(schema))) return ''
  if (schema.anyOf) return schema.anyOf.map((option) => limitsOf(option, name, parts)).join('')
  if (type === 'array') {
    const each = limitsOf(schema.items!, name, parts)
    return `${range(minItems ?? 0, maxItems!, 'entries')}${each && `, each ${each}`}`
  }
  if (type === 'object' && !schema.properties) return limitsOf(schema.additionalProperties as Schema, name, parts)
  if (maxLength !== undefined) return range(minLength, maxLength, 'characters')
  if (minimum === undefined || maximum === undefined || maximum === Number.MAX_SAFE_INTEGER) return ''
  return name.endsWith('Seconds') ? `${range(minimum, maximum)} (${maximum / 86_400} days)` : range(minimum, maximum)
}

const range = (min: number, max: number, of = '') => (min === 0 ? `up to ${max} ${of}` : `${min} to ${max} ${of}`).trim()

/** What makes two places the same part: everything but what is said of them there. */
function shapeOf(schema: Schema): string {
  return JSON.stringify(schema, (key, value: unknown) => {
    if (key === '$schema') return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { description: _said, default: _assumed, ...shape } = value as Record<string, unknown>
    return Object.fromEntries(Object.entries(shape).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  })
}

/** A schema with a name stands behind a reference to itself. */
function resolved(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : schema.$defs![name]!
}

/** Every field that an example has, as the tables call it: a path without the places in lists; of a word, the word as well. */
export function pathsIn(example: unknown): string[] {
  if (Array.isArray(example)) return example.flatMap(pathsIn)
  if (typeof example !== 'object' || example === null) return []
  return Object.entries(example).flatMap(([name, value]) => [
    name,
    ...(typeof value === 'string' ? [`${name}: ${value}`] : []),
    ...pathsIn(value).map((below) => `${name}.${below}`),
  ])
}
