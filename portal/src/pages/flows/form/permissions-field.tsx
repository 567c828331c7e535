import { Checkbox, Stack } from '@mantine/core'
import type { CatalogEntry } from '../../../../../src/contract/catalog.ts'
import { flows as words } from '../../../words-for-flows.ts'
import { Fieldset } from './fieldset.tsx'
import { listOf, textsOf, valuesOf, withField } from './loose.ts'

interface Given {
  readonly plugin: CatalogEntry
  readonly error: string | undefined
  readonly resources: unknown
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

/** What may be done on resources of each kind that is selected. Permissions that the plugin does not have stay as they are. */
export function PermissionsField({ plugin, error, resources, value, onChange }: Given) {
  const permissions = valuesOf(value)
  const wanted = listOf(resources).map((one) => textsOf(valuesOf(one)['types']))
  const isSelected = (id: string) => wanted.some((types) => types.length === 0 || types.includes(id))
  const types = plugin.resourceTypes.filter(({ id }) => isSelected(id) || id in permissions)
  return (
    <Fieldset legend={words.form.permissions} error={error}>
      {(types.length > 0 ? types : plugin.resourceTypes).map(({ id, title, permissions: offered }) => (
        <Checkbox.Group
          key={id}
          label={words.form.permissionsOf(title)}
          value={[...textsOf(permissions[id])]}
          onChange={(chosen) => onChange(withField(permissions, id, chosen.length > 0 ? chosen : undefined))}
        >
          <Stack gap="xs" mt="xs">
            {offered.map((one) => (
              <Checkbox key={one.id} value={one.id} label={one.title} description={one.description} />
            ))}
          </Stack>
        </Checkbox.Group>
      ))}
    </Fieldset>
  )
}
