import { isValues, type Values } from '../../../parts/schema-form/schema.ts'

// A rule while it is written: it may be wrong in any way, and what a form does not know of it stays where it is.

export const valuesOf = (value: unknown): Values => (isValues(value) ? value : {})
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
export const textsOf = (value: unknown): readonly string[] => listOf(value).filter((one) => typeof one === 'string')

/** The same with one field changed; undefined takes it away. */
export function withField(values: unknown, name: string, value: unknown): Values {
  const { [name]: former, ...others } = valuesOf(values)
  if (value === undefined) return others
  return former === undefined ? { ...others, [name]: value } : { ...valuesOf(values), [name]: value }
}

/** The same with one entry changed; undefined takes it away. */
export function withEntry(list: unknown, at: number, entry: unknown): readonly unknown[] {
  return entry === undefined ? listOf(list).filter((_, other) => other !== at) : listOf(list).with(at, entry)
}

/** What a text holds, where it holds a rule. */
export function readRule(text: string): Values | undefined {
  try {
    const read: unknown = JSON.parse(text)
    return isValues(read) ? read : undefined
  } catch {
    return undefined
  }
}

export const writeRule = (rule: unknown): string => JSON.stringify(rule, null, 2)

/** Whether two values say the same. */
export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
