import { z } from 'zod'
import { ID_PREFIXES } from '../../src/contract/id.ts'

/** What is read of a JSON Schema; `Inner` is what stands in it. */
export interface Schema<Inner> {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly string[]
  readonly const?: string
  readonly anyOf?: readonly Inner[]
  readonly items?: Inner
  readonly properties?: Readonly<Record<string, Inner>>
  readonly required?: readonly string[]
  readonly propertyNames?: Inner
  readonly additionalProperties?: Inner | boolean
}
interface DataSchema extends Schema<DataSchema> {}

/** What an event carries, for people: a field and its type; `?` where it may be missing. */
export function dataInWords(data: z.ZodObject): string {
  const { properties = {}, required = [] } = z.toJSONSchema(data, { io: 'input', unrepresentable: 'any' }) as DataSchema
  return fieldsOf(properties, required)
}

function fieldsOf(properties: Readonly<Record<string, DataSchema>>, required: readonly string[]): string {
  return Object.entries(properties)
    .map(([field, schema]) => `\`${field}\`${required.includes(field) ? '' : '?'} ${inWords(schema)}`)
    .join(', ')
}

function inWords(schema: DataSchema): string {
  const { $ref, type, format, pattern, anyOf, items, properties, required = [] } = schema
  if ($ref !== undefined) return $ref.split('/').at(-1)!
  if (anyOf) return anyOf.map(inWords).join(' or ')
  if (schema.enum) return schema.enum.join(' or ')
  if (pattern !== undefined && format === undefined) return idsIn(pattern)
  if (typeof type === 'object') return type.map((one) => inWords({ ...schema, type: one })).join(' or ')
  switch (type) {
    case 'string':
      return format === 'date-time' ? 'moment' : 'text'
    case 'integer':
      return 'number'
    case 'array':
      return `list of ${inWords(items ?? {})}`
    case 'object':
      if (properties) return `(${fieldsOf(properties, required)})`
      return `${inWords(schema.propertyNames ?? {})} → ${inWords(schema.additionalProperties as DataSchema)}`
    case undefined:
      return 'any JSON'
    default:
      return type === 'boolean' ? 'yes or no' : type!
  }
}

function idsIn(pattern: string): string {
  const known = Object.keys(ID_PREFIXES).filter((prefix) => new RegExp(`\\b${prefix}(\\||\\)|_)`).test(pattern.slice(0, 30)))
  return known.length > 0 ? known.map((prefix) => `${prefix}_…`).join(' or ') : 'text'
}
