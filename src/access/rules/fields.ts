import type { FieldValues } from '../../approvals/requests/request.ts'
import type { CustomField } from '../../contract/rules.ts'

/** What is wrong with the answers to a flow's own questions: one sentence each, naming the field. */
export function fieldFlaws(fields: readonly CustomField[], values: FieldValues): string[] {
  const known = new Set(fields.map((field) => field.key))
  return [
    ...Object.keys(values)
      .filter((key) => !known.has(key))
      .map((key) => `the access flow has no field ${key}`),
    ...fields.flatMap((field) => {
      const value = Object.hasOwn(values, field.key) ? values[field.key] : undefined
      if (value === undefined || value === '') return field.required ? [`${field.label} (${field.key}) is missing`] : []
      const flaw = flawOf(field, value)
      return flaw ? [`${field.label} (${field.key}) ${flaw}`] : []
    }),
  ]
}

function flawOf(field: CustomField, value: string | number | boolean): string | undefined {
  switch (field.type) {
    case 'text':
      if (typeof value !== 'string') return 'must be text'
      if (value.length > field.maxLength) return `is longer than ${field.maxLength} characters`
      return field.startsWith && !value.startsWith(field.startsWith) ? `must start with ${field.startsWith}` : undefined
    case 'number':
      if (typeof value !== 'number') return 'must be a number'
      if (field.min !== undefined && value < field.min) return `must be at least ${field.min}`
      return field.max !== undefined && value > field.max ? `must be at most ${field.max}` : undefined
    case 'yes_or_no':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'choice':
      return field.options.some((option) => option === value) ? undefined : `must be one of ${field.options.join(', ')}`
  }
}
