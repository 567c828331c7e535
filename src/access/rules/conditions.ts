import type { Comparison, Condition } from '../../contract/rules.ts'

export type Attributes = Readonly<Record<string, string | readonly string[]>>

/** Whether a condition holds of somebody's attributes. Of an attribute that nobody has stated none does, `not_equal_to` neither. */
export function holds(condition: Condition, attributes: Attributes): boolean {
  if ('all' in condition) return condition.all.every((inner) => holds(inner, attributes))
  if ('any' in condition) return condition.any.some((inner) => holds(inner, attributes))
  return compares(condition, attributes)
}

const VERBS = { equal_to: 'is', not_equal_to: 'is not', containing: 'contains', starting_with: 'starts with' } as const

/** In words, for somebody who is refused: `department is "engineering"`. */
export function conditionInWords(condition: Condition): string {
  if ('all' in condition) return condition.all.map((inner) => bracketed(inner)).join(' and ')
  if ('any' in condition) return condition.any.map((inner) => bracketed(inner)).join(' or ')
  return `${condition.attribute} ${VERBS[condition.is]} ${JSON.stringify(condition.value)}`
}

function compares({ attribute, is, value }: Comparison, attributes: Attributes): boolean {
  const found = Object.hasOwn(attributes, attribute) ? attributes[attribute]! : []
  const values = (typeof found === 'string' ? [found] : found).map(fold)
  const wanted = fold(value)
  switch (is) {
    case 'equal_to':
      return values.includes(wanted)
    case 'not_equal_to':
      return values.length > 0 && !values.includes(wanted)
    case 'containing':
      return values.some((each) => each.includes(wanted))
    case 'starting_with':
      return values.some((each) => each.startsWith(wanted))
  }
}

const fold = (text: string) => text.normalize('NFC').toLowerCase()
const bracketed = (condition: Condition) =>
  'attribute' in condition ? conditionInWords(condition) : `(${conditionInWords(condition)})`
