import { Checkbox, NativeSelect, NumberInput, TextInput } from '@mantine/core'
import type { CustomField } from '../../../../src/contract/rules.ts'
import type { Asking } from './asking.ts'

type Value = Asking['fields'][string]

interface Given {
  readonly fields: readonly CustomField[]
  readonly values: Asking['fields']
  readonly onChange: (key: string, value: Value | undefined) => void
}

/** What a flow asks besides. */
export function CustomFields({ fields, values, onChange }: Given) {
  return fields.map((field) => (
    <Field key={field.key} field={field} value={values[field.key]} set={(value) => onChange(field.key, value)} />
  ))
}

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
