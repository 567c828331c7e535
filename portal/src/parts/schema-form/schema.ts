/** What of JSON Schema the plugins’ forms are written in. */
export interface Schema {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly writeOnly?: boolean
  readonly maxLength?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}

/** What a field of a form is given. */
export interface FieldGiven {
  readonly schema: Schema
  /** how it is called where its schema has no title */
  readonly name: string
  readonly isRequired?: boolean
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

export type Values = Readonly<Record<string, unknown>>

export const variantsOf = ({ oneOf, anyOf }: Schema) => oneOf ?? anyOf ?? []
export const isValues = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a form begins with: what is always so, and what is so unless given. */
export function beginning(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (!schema.properties) return undefined
  const begun = Object.entries(schema.properties).map(([name, inner]) => [name, beginning(inner)] as const)
  return Object.fromEntries(begun.filter(([, value]) => value !== undefined))
}

/** Which variant a value is of; -1: of none yet. */
export function variantOf(schema: Schema, value: unknown): number {
  return variantsOf(schema).findIndex(({ properties, enum: listed, const: constant, type }) => {
    if (constant !== undefined) return constant === value
    if (type === 'array' || Array.isArray(value)) return type === 'array' && Array.isArray(value)
    if (!properties) return listed ? listed.includes(value) : value !== undefined && !isValues(value)
    if (!isValues(value)) return false
    return Object.entries(properties).every(([name, one]) => one.const === undefined || one.const === value[name])
  })
}

/** The same without the values that are secret: what may be kept in a browser. */
export function withoutSecrets(schema: Schema, value: unknown): unknown {
  if (schema.writeOnly) return undefined
  const variant = variantsOf(schema)[variantOf(schema, value)]
  if (variant) return withoutSecrets(variant, value)
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(schema.items ?? {}, one))
  if (!isValues(value)) return value
  const { properties = {}, additionalProperties } = schema
  const others = typeof additionalProperties === 'object' ? additionalProperties : {}
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withoutSecrets(properties[name] ?? others, inner)]),
  )
}
