import { Checkbox, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { work as words } from '../../words-for-work.ts'
import { beginning, type FieldGiven, type Schema, variantOf, variantsOf } from './schema.ts'

const LONG = 2_000

export function TextField({ schema, name, isRequired = false, value, onChange }: FieldGiven) {
  const isNumber = schema.type === 'integer' || schema.type === 'number'
  const change = (typed: string) => {
    const isRead = isNumber && typed.trim() !== '' && Number.isFinite(Number(typed))
    onChange(typed === '' ? undefined : isRead ? Number(typed) : typed)
  }
  const shared = {
    label: schema.title ?? name,
    description: schema.description,
    required: isRequired,
    withAsterisk: false,
    value: typeof value === 'string' || typeof value === 'number' ? String(value) : '',
    autoComplete: 'off',
  }
  if (!schema.writeOnly && (schema.maxLength ?? 0) > LONG)
    return <Textarea {...shared} autosize minRows={4} onChange={(event) => change(event.currentTarget.value)} />
  return (
    <TextInput
      {...shared}
      type={schema.writeOnly ? 'password' : 'text'}
      inputMode={isNumber ? 'numeric' : undefined}
      onChange={(event) => change(event.currentTarget.value)}
    />
  )
}

export function EnumField({ schema, name, isRequired = false, value, onChange }: FieldGiven) {
  const listed = schema.enum ?? []
  return (
    <NativeSelect
      label={schema.title ?? name}
      description={schema.description}
      required={isRequired}
      withAsterisk={false}
      value={value === undefined ? '' : String(listed.indexOf(value))}
      onChange={({ currentTarget }) => onChange(currentTarget.value === '' ? undefined : listed[Number(currentTarget.value)])}
      data={[{ value: '', label: words.form.choose }, ...listed.map((one, at) => ({ value: String(at), label: String(one) }))]}
    />
  )
}

/** Any of a few. */
export function ChosenEntries({ schema, name, value, onChange }: FieldGiven) {
  const offered = schema.items?.enum ?? []
  const chosen: readonly unknown[] = Array.isArray(value) ? value : []
  return (
    <Stack gap="sm" component="fieldset" className="lk-fieldset">
      <legend>{schema.title ?? name}</legend>
      {schema.description && (
        <Text size="sm" c="dimmed">
          {schema.description}
        </Text>
      )}
      {offered.map((one) => (
        <Checkbox
          key={String(one)}
          label={String(one)}
          checked={chosen.includes(one)}
          onChange={({ currentTarget }) =>
            onChange(offered.filter((other) => (other === one ? currentTarget.checked : chosen.includes(other))))
          }
        />
      ))}
    </Stack>
  )
}

export function VariantChoice({ schema, name, value, onChange }: FieldGiven) {
  const variants = variantsOf(schema)
  const choose = (at: string) => {
    const wanted = variants[Number(at)]
    onChange(at === '' || !wanted ? undefined : (beginning(wanted) ?? wanted.enum?.[0] ?? ''))
  }
  const chosen = variantOf(schema, value)
  return (
    <NativeSelect
      label={schema.title ?? name}
      description={schema.description}
      value={chosen === -1 ? '' : String(chosen)}
      onChange={(event) => choose(event.currentTarget.value)}
      data={[{ value: '', label: words.form.choose }, ...variants.map((one, at) => ({ value: String(at), label: labelOf(one) }))]}
    />
  )
}

function labelOf({ title, properties = {}, enum: listed, type = '' }: Schema): string {
  const constant = Object.values(properties).find((one) => one.const !== undefined)
  const names = Object.entries(properties).map(([name, inner]) => inner.title ?? name)
  return title ?? constant?.title ?? (listed ? words.form.fromList : names.join(', ') || type)
}
