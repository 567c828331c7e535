import { Checkbox, NativeSelect, NumberInput, TextInput } from '@mantine/core'
import type { CustomField } from '../../../../src/contract/rules.ts'
import type { Asking } from './asking.ts'

interface Given {
  readonly fields: readonly CustomField[]
  readonly values: Asking['fields']
  readonly onChange: (values: Asking['fields']) => void
}

/** What a flow asks besides. */
export function CustomFields({ fields, values, onChange }: Given) {
  return fields.map((field) => (
    <Field
      key={field.key}
      field={field}
      value={values[field.key]}
      set={(value) => onChange(withField(values, field.key, value))}
    />
  ))
}

type Value = string | number | boolean

function Field({
  field,
  value,
  set,
}: {
  readonly field: CustomField
  readonly value: Value | undefined
  readonly set: (value: Value | undefined) => void
}) {
  const { label, required } = field
  const asked = { label, required, withAsterisk: false }
  switch (field.type) {
    case 'text':
      return (
        <TextInput
          {...asked}
          maxLength={field.maxLength}
          value={String(value ?? '')}
          onChange={(event) => set(event.currentTarget.value || undefined)}
        />
      )
    case 'number':
      return (
        <NumberInput
          {...asked}
          min={field.min}
          max={field.max}
          value={typeof value === 'number' ? value : ''}
          onChange={(typed) => set(typeof typed === 'number' ? typed : undefined)}
        />
      )
    case 'yes_or_no':
      return <Checkbox label={label} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />
    case 'choice':
      return (
        <NativeSelect
          {...asked}
          data={['', ...field.options]}
          value={String(value ?? '')}
          onChange={(event) => set(event.currentTarget.value || undefined)}
        />
      )
  }
}

function withField(values: Asking['fields'], key: string, value: Value | undefined): Asking['fields'] {
  const others = Object.entries(values).filter(([name]) => name !== key)
  return Object.fromEntries(value === undefined ? others : [...others, [key, value]])
}
