import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type ComponentType, type ReactNode, useState } from 'react'
import { work as words } from '../../words-for-work.ts'
import { beginning, type FieldGiven, isValues } from './schema.ts'

/** Of these fields each is a form of its own. */
type EntriesGiven = FieldGiven & { readonly Field: ComponentType<FieldGiven> }

/** As many as one likes, each under a name that is typed. */
export function NamedEntries({ schema, name, value, onChange, Field }: EntriesGiven) {
  const [typed, setTyped] = useState('')
  const others = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
  const entries = isValues(value) ? value : {}
  const title = schema.title ?? name
  const key = typed.trim()
  const add = () => {
    if (key === '' || Object.hasOwn(entries, key)) return
    onChange({ ...entries, [key]: beginning(others) ?? null })
    setTyped('')
  }
  return (
    <Entries title={title} description={schema.description}>
      {Object.entries(entries).map(([entry, inner]) => (
        <Entry
          key={entry}
          name={entry}
          remove={() => {
            const { [entry]: _, ...left } = entries
            onChange(left)
          }}
        >
          <Field
            schema={others}
            name={entry}
            value={inner ?? undefined}
            onChange={(changed) => onChange({ ...entries, [entry]: changed ?? null })}
          />
        </Entry>
      ))}
      <Group align="flex-end" gap="sm">
        <TextInput
          flex={1}
          miw="9rem"
          label={words.form.addTo(title)}
          placeholder={words.form.name}
          value={typed}
          autoComplete="off"
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault() // it adds, and does not send the form
            add()
          }}
        />
        <Button variant="default" onClick={add}>
          {words.form.add}
        </Button>
      </Group>
    </Entries>
  )
}

/** As many as one likes, in their order. */
export function NumberedEntries({ schema, name, value, onChange, Field }: EntriesGiven) {
  const entries: readonly unknown[] = Array.isArray(value) ? value : []
  const items = schema.items ?? {}
  const title = schema.title ?? name
  return (
    <Entries title={title} description={schema.description}>
      {entries.map((inner, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing else to be told apart by
        <Entry key={at} name={words.form.entry(at + 1)} remove={() => onChange(entries.filter((_, other) => other !== at))}>
          <Field
            schema={items}
            name={words.form.entry(at + 1)}
            value={inner ?? undefined}
            onChange={(changed) => onChange(entries.map((one, other) => (other === at ? (changed ?? null) : one)))}
          />
        </Entry>
      ))}
      <Group>
        <Button variant="default" onClick={() => onChange([...entries, beginning(items) ?? null])}>
          {words.form.addTo(title)}
        </Button>
      </Group>
    </Entries>
  )
}

interface AroundGiven {
  readonly title: string
  readonly description?: string | undefined
  readonly children: ReactNode
}

function Entries({ title, description, children }: AroundGiven) {
  return (
    <Stack gap="sm" component="fieldset" className="lk-fieldset">
      <legend>{title}</legend>
      {description && (
        <Text size="sm" c="dimmed">
          {description}
        </Text>
      )}
      {children}
    </Stack>
  )
}

function Entry({ name, remove, children }: { readonly name: string; readonly remove: () => void; readonly children: ReactNode }) {
  return (
    <Group align="flex-end" gap="sm" className="lk-row">
      <Stack gap="sm" flex={1} miw="9rem">
        {children}
      </Stack>
      <Button variant="subtle" onClick={remove} aria-label={words.form.removeNamed(name)}>
        {words.form.remove}
      </Button>
    </Group>
  )
}
