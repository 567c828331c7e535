/** As much of JSON Schema as the API's description uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: 'object' | 'array' | 'integer' | 'number' | 'boolean' | 'string'
  readonly nullable?: boolean
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}

/** One body that is wrong in one place. */
export interface BadBody {
  readonly what: string
  /** where, as the problem should name it; '' is the whole body */
  readonly field: string
  readonly raw: string
  /** `refused`: the schema forbids it; `survived`: it may be accepted, but never answered with a fault */
  readonly must: 'refused' | 'survived'
}

// One for each line; what no line can hold stands below.
const HOSTILE_LINES = String.raw`
../
..%2f..%2fetc
%2e%2e
%00
*
+
**
a/*
a/+/b
{{identity.entity.id}}
$(reboot)
"
'
\
'; drop table users; --
<script>alert(1)</script>
%
_
ß
İ
-1
NaN
null
constructor
__proto__
toString`
const CODES = [
  [36, 123, 97, 125],
  [96],
  [9],
  [13, 10],
  [1],
  [0x202e],
  [0x200b],
  [0xfeff],
  [0x1f469, 0x1f3fd],
  [32],
  [34, 125, 10],
]
export const HOSTILE = [...HOSTILE_LINES.trim().split('\n'), ...CODES.map((codes) => String.fromCodePoint(...codes))]
const BROKEN = ['a\u0000b', '\u0000', '\ud800', 'a\udfffb']
const LONG = 'x'.repeat(70_000)
const NUMBERS = [0, -1, 0.5, 2 ** 31, 2 ** 53, 1e300, -1e300, 31_622_401]
/** Of each kind of value one; which are wrong, the schema says. */
const KINDS: readonly (readonly [kind: string, value: unknown])[] = [
  ['null', null],
  ['boolean', true],
  ['number', 7],
  ['string', 'text'],
  ['array', []],
  ['object', {}],
]
const EXAMPLES = [
  'x',
  '60',
  'a@example.com',
  '2030-01-31T12:00:00Z',
  'a.b',
  'ab-',
  'https://example.com',
  '1',
  '09:00',
  'Europe/Berlin',
  'x_y',
]

export class BadBodies {
  /** @param idOf an id that exists, for its prefix */
  constructor(
    private readonly resolve: (ref: string) => Schema,
    private readonly idOf: (prefix: string) => string,
  ) {}

  /** A body the schema allows, with everything in it that may be. */
  sample(given: Schema): unknown {
    const schema = this.whole(given)
    const [first] = schema.oneOf ?? schema.anyOf ?? []
    if (first) return this.sample(first)
    if (schema.const !== undefined) return schema.const
    if (schema.enum) return schema.enum[0]
    switch (schema.type) {
      case 'object':
        return typeof schema.additionalProperties === 'object' && !schema.properties
          ? { x: this.sample(schema.additionalProperties) }
          : Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, value]) => [key, this.sample(value)]))
      case 'array':
        return [this.sample(schema.items ?? {})]
      case 'integer':
      case 'number':
        return Math.max(schema.minimum ?? 1, 1)
      case 'boolean':
        return true
      case 'string':
        return this.text(schema)
      case undefined:
        return {}
    }
  }

  *of(given: Schema, field = '', wrap: (value: unknown) => unknown = (value) => value): Generator<BadBody> {
    const schema = this.whole(given)
    yield* this.here(schema, field, wrap)
    for (const branch of schema.oneOf ?? schema.anyOf ?? []) {
      // What is wrong in one branch may be right in another; inside an object the branches are told apart.
      const one = this.whole(branch)
      if (one.type === 'object') yield* this.of(one, field, wrap)
      if (one.type === 'array' && one.items) yield* this.of(one.items, join(field, '0'), (value) => wrap([value]))
    }
    const whole = this.sample(schema)
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      yield* this.of(inner, join(field, key), (value) => wrap({ ...(whole as object), [key]: value }))
    }
    if (schema.items) yield* this.of(schema.items, join(field, '0'), (value) => wrap([value]))
    if (typeof schema.additionalProperties === 'object' && Object.keys(schema.additionalProperties).length > 0) {
      yield* this.of(schema.additionalProperties, join(field, 'x'), (value) => wrap({ x: value }))
    }
  }

  private *here(schema: Schema, field: string, wrap: (value: unknown) => unknown): Generator<BadBody> {
    const bad = (what: string, value: unknown, must: BadBody['must'] = 'refused'): BadBody => ({
      what: `${field || 'the body'} ${what}`,
      field,
      raw: JSON.stringify(wrap(value)),
      must,
    })
    const kinds = this.kindsOf(schema)
    for (const [kind, value] of KINDS) if (!kinds.has(kind)) yield bad(`is ${JSON.stringify(value)}`, value)
    if (kinds.has('string')) {
      for (const text of BROKEN) yield bad(`is ${JSON.stringify(text)}`, text)
      for (const text of ['', LONG, ...HOSTILE]) {
        yield bad(`is ${JSON.stringify(text.slice(0, 30))}`, text, this.fits(schema, text) ? 'survived' : 'refused')
      }
      const id = prefixOf(schema)
      if (id) for (const text of badIds(this.idOf(id))) yield bad(`is ${JSON.stringify(text)}`, text)
    }
    if (kinds.has('number')) {
      for (const value of NUMBERS) yield bad(`is ${value}`, value, this.fits(schema, value) ? 'survived' : 'refused')
    }
    if (schema.type === 'array' && schema.items) {
      const item = this.sample(schema.items)
      if (schema.minItems) yield bad('is an empty list', [])
      if (schema.maxItems) yield bad('is too long', Array(schema.maxItems + 1).fill(item))
      yield bad('has the same twice', [item, item], 'survived')
    }
    if (schema.type === 'object') yield* this.objects(schema, field, wrap, bad)
  }

  private *objects(
    schema: Schema,
    field: string,
    wrap: (value: unknown) => unknown,
    bad: (what: string, value: unknown, must?: BadBody['must']) => BadBody,
  ): Generator<BadBody> {
    const whole = this.sample(schema) as Record<string, unknown>
    const inside = JSON.stringify(whole).slice(1, -1)
    const odd = (what: string, text: string): BadBody => ({
      what: `${field || 'the body'} ${what}`,
      field: '',
      raw: JSON.stringify(wrap('@@')).replace('"@@"', () => text),
      must: 'refused',
    })
    yield odd('has a name twice', `{"zz":1,"z\\u007a":2${inside && `,${inside}`}}`)
    yield odd('has __proto__', `{"__proto__":{"admin":true}${inside && `,${inside}`}}`)
    yield odd('is nested without end', `{"zz":${'['.repeat(20_000)}${']'.repeat(20_000)}${inside && `,${inside}`}}`)
    yield odd('is cut off', `{${inside}`)
    if (schema.additionalProperties === false) {
      for (const key of ['zzUnknown', 'constructor', 'hasOwnProperty', '']) {
        yield { ...bad(`has an unknown ${JSON.stringify(key)}`, { ...whole, [key]: 1 }), field: join(field, key) }
      }
    } else
      for (const key of HOSTILE)
        if (key !== '__proto__') yield bad(`has a ${JSON.stringify(key)}`, { ...whole, [key]: 'x' }, 'survived')
    for (const key of schema.required ?? []) {
      if (schema.properties?.[key]?.default !== undefined) continue
      const { [key]: _, ...rest } = whole
      // Inside a choice of forms the problem may name what another form would have wanted.
      yield { ...bad(`has no ${key}`, rest), field: field || key }
    }
  }

  private whole(schema: Schema): Schema {
    return schema.$ref ? this.resolve(schema.$ref) : schema
  }

  private kindsOf(given: Schema): Set<string> {
    const schema = this.whole(given)
    const branches = schema.oneOf ?? schema.anyOf
    const kinds = new Set(branches?.flatMap((branch) => [...this.kindsOf(branch)]) ?? [kindOf(schema)])
    if (kinds.has('anything')) return new Set(KINDS.map(([kind]) => kind))
    if (schema.nullable) kinds.add('null')
    return kinds
  }

  private fits(given: Schema, value: string | number): boolean {
    const schema = this.whole(given)
    const branches = schema.oneOf ?? schema.anyOf
    if (branches) return branches.some((branch) => this.fits(branch, value))
    if (schema.const !== undefined) return schema.const === value
    if (schema.enum) return schema.enum.includes(value)
    if (typeof value === 'number') {
      const { type, minimum = -Infinity, maximum = Infinity } = schema
      return value >= minimum && value <= maximum && (type === 'number' || Number.isSafeInteger(value))
    }
    const { minLength = 0, maxLength = Infinity, pattern } = schema
    // Names are trimmed before they are looked at, so what only white space makes too short is not known here.
    return value.length >= minLength && value.length <= maxLength && (!pattern || new RegExp(pattern, 'u').test(value.trim()))
  }

  private text(schema: Schema): string {
    const prefix = prefixOf(schema)
    if (prefix) return this.idOf(prefix)
    const fit = EXAMPLES.find((example) => this.fits(schema, example))
    if (fit === undefined) throw new TypeError(`add an example that fits ${JSON.stringify(schema)}`)
    return fit
  }
}

/** What is nearly the id of something. */
export function badIds(id: string): string[] {
  const other = id.startsWith('usr_') ? 'grp_' : 'usr_'
  const body = id.slice(4)
  const outside = [`${id} `, ` ${id}`, `${id}\n`, `${id}0`, `${id}/../${id}`, body, other + body, id.slice(0, -1)]
  const inside = [id.toUpperCase(), `${id.slice(0, 4)}${'0'.repeat(25)}l`, `${id.slice(0, 4)}z${id.slice(5)}`]
  return [...outside, ...inside]
}

export function prefixOf({ pattern }: Schema): string | undefined {
  return /^\^([a-z]{3})_/.exec(pattern ?? '')?.[1]
}

function kindOf({ type, const: only, enum: some }: Schema): string {
  if (type) return type === 'integer' ? 'number' : type
  if (only !== undefined || some) return typeof (only ?? some?.[0])
  return 'anything'
}

function join(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`
}
