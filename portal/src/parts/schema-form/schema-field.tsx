import { Checkbox, Stack, Text } from '@mantine/core'
import { NamedEntries, NumberedEntries } from './entries.tsx'
import { ChosenEntries, EnumField, TextField, VariantChoice } from './inputs.tsx'
import { type FieldGiven, isValues, variantOf, variantsOf } from './schema.ts'

/** One field of a plugin's form, of whatever kind. What is left empty is not sent; whether all is right, the broker says. */
export function SchemaField(given: FieldGiven) {
  const { schema, value } = given
  if (schema.const !== undefined) return null
  if (variantsOf(schema).length > 0) return <VariantField {...given} />
  if (schema.properties) return <Properties {...given} />
  if (schema.type === 'object') return <NamedEntries {...given} Field={SchemaField} />
  if (schema.type === 'array' && schema.items?.enum) return <ChosenEntries {...given} />
  if (schema.type === 'array') return <NumberedEntries {...given} Field={SchemaField} />
  if (schema.type === 'boolean') {
    return (
      <Checkbox
        label={schema.title ?? given.name}
        description={schema.description}
        checked={value === true}
        onChange={(event) => given.onChange(event.currentTarget.checked)}
      />
    )
  }
  return schema.enum ? <EnumField {...given} /> : <TextField {...given} />
}

function Properties({ schema, name, value, onChange }: FieldGiven) {
  const { properties = {}, required = [], title = name, description } = schema
  const values = isValues(value) ? value : {}
  return (
    <Stack gap="md" component="fieldset" className="lk-fieldset">
      {title !== '' && <legend>{title}</legend>}
      {description && (
        <Text size="sm" c="dimmed">
          {description}
        </Text>
      )}
      {Object.entries(properties).map(([key, inner]) => (
        <SchemaField
          key={key}
          schema={inner}
          name={key}
          isRequired={required.includes(key)}
          value={values[key]}
          onChange={(changed) => {
            const { [key]: _, ...others } = values
            onChange(changed === undefined ? others : { ...others, [key]: changed })
          }}
        />
      ))}
    </Stack>
  )
}

/** Of several kinds one is chosen, and then filled in. */
function VariantField(given: FieldGiven) {
  const { schema, value, onChange } = given
  const variant = variantsOf(schema)[variantOf(schema, value)]
  return (
    <Stack gap="sm">
      <VariantChoice {...given} />
      {variant && (
        <SchemaField
          schema={variant.properties ? { ...variant, title: '' } : variant}
          name={schema.title ?? given.name}
          value={value}
          onChange={onChange}
        />
      )}
    </Stack>
  )
}
