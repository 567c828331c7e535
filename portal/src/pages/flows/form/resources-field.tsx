import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import type { CatalogEntry } from '../../../../../src/contract/catalog.ts'
import type { Values } from '../../../parts/schema-form/schema.ts'
import { flows as words } from '../../../words-for-flows.ts'
import { Fieldset } from './fieldset.tsx'
import type { Flaws } from './flaws.ts'
import { LinesField } from './lines-field.tsx'
import { listOf, textsOf, valuesOf, withEntry, withField } from './loose.ts'
import { RemoveButton } from './remove-button.tsx'

interface Given {
  readonly plugin: CatalogEntry
  readonly flaws: Flaws
  readonly value: unknown
  readonly onChange: (value: readonly unknown[]) => void
}

/** Which resources, by kind, name and tag; nothing is selected until somebody says so. */
export function ResourcesField({ plugin, flaws, value, onChange }: Given) {
  const selectors = listOf(value)
  return (
    <Fieldset legend={words.form.resources} description={words.form.resourcesHint} error={flaws.at('rule.resources')}>
      {selectors.map((one, at) => (
        <Selector
          // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing else to be told apart by
          key={at}
          at={at}
          plugin={plugin}
          flaws={flaws}
          value={valuesOf(one)}
          onChange={(changed) => onChange(withEntry(value, at, changed))}
        />
      ))}
      <Group>
        <Button variant="default" onClick={() => onChange([...selectors, {}])}>
          {words.form.addSelection}
        </Button>
      </Group>
    </Fieldset>
  )
}

interface SelectorGiven extends Omit<Given, 'value' | 'onChange'> {
  readonly at: number
  readonly value: Values
  readonly onChange: (value: Values | undefined) => void
}

function Selector({ at, plugin, flaws, value, onChange }: SelectorGiven) {
  const path = `rule.resources.${at}`
  const name = words.form.selection(at + 1)
  const types = textsOf(value['types'])
  const set = (field: string, given: unknown) => onChange(withField(value, field, given))
  return (
    <Stack gap="md" className="lk-row">
      <Fieldset legend={name} error={flaws.at(path)}>
        {Object.keys(value).length === 0 && <Text fw={600}>{words.form.selectsAll}</Text>}
        <Checkbox.Group
          label={words.form.types}
          error={flaws.within(`${path}.types`)}
          value={[...types]}
          onChange={(chosen) => set('types', chosen.length > 0 ? chosen : undefined)}
        >
          <Group gap="md" mt="xs">
            {plugin.resourceTypes.map(({ id, title }) => (
              <Checkbox key={id} value={id} label={title} />
            ))}
          </Group>
        </Checkbox.Group>
        <LinesField
          label={words.form.paths}
          description={words.form.pathsHint}
          error={flaws.within(`${path}.paths`)}
          value={textsOf(value['paths'])}
          read={(lines) => lines}
          write={(paths) => paths.join('\n')}
          onChange={(paths) => set('paths', paths.length > 0 ? paths : undefined)}
        />
        <LinesField
          label={words.form.tags}
          description={words.form.tagsHint}
          error={flaws.within(`${path}.tags`)}
          value={valuesOf(value['tags'])}
          read={(lines) => Object.fromEntries(lines.map(pairOf))}
          write={(tags) =>
            Object.entries(tags)
              .map(([key, tag]) => `${key}=${tag}`)
              .join('\n')
          }
          onChange={(tags) => set('tags', Object.keys(tags).length > 0 ? tags : undefined)}
        />
      </Fieldset>
      <Group>
        <RemoveButton name={name} onClick={() => onChange(undefined)} />
      </Group>
    </Stack>
  )
}

function pairOf(line: string): readonly [string, string] {
  const [key = '', ...value] = line.split('=')
  return [key.trim(), value.join('=').trim()]
}
