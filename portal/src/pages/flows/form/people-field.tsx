import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { directory } from '../../../data/flows.ts'
import { Refused } from '../../../parts/refused.tsx'
import { flows as words } from '../../../words-for-flows.ts'
import { Finder } from '../finder.tsx'
import { useNames } from '../names.ts'
import { Fieldset } from './fieldset.tsx'
import { textsOf, valuesOf, withField } from './loose.ts'

interface Given {
  readonly legend: string
  readonly description?: string
  readonly error: string | undefined
  /** has `users` and `groups`, and may have more */
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

/** People and groups by name; those that are chosen stand above the search. */
export function PeopleField({ legend, description, error, value, onChange }: Given) {
  const [typed, setTyped] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const { users, groups } = valuesOf(value)
  const chosen = [...textsOf(users), ...textsOf(groups)]
  const nameOf = useNames(chosen)
  const asked = typed.trim().toLowerCase()
  const { data: everybody, error: failed } = useQuery({ ...directory(), enabled: asked !== '' })
  const found = everybody?.filter(
    ({ id, name, detail }) => !chosen.includes(id) && `${name} ${detail ?? ''}`.toLowerCase().includes(asked),
  )
  const change = (id: string, ids: (former: readonly string[]) => readonly string[]) => {
    const kind = id.startsWith('grp_') ? 'groups' : 'users'
    onChange(withField(value, kind, ids(textsOf(valuesOf(value)[kind]))))
    setTyped('')
    input.current?.focus() // the button that was pressed is gone
  }
  return (
    <Fieldset legend={legend} {...(description && { description })} error={error}>
      {chosen.length > 0 && (
        <Stack gap={4} component="ul" className="lk-list">
          {chosen.map((id) => (
            <Group key={id} component="li" gap="xs">
              <Text>
                <bdi className="lk-name">{nameOf(id)}</bdi>
                {id.startsWith('grp_') && <span className="lk-dim"> {words.form.group}</span>}
              </Text>
              <Button
                variant="subtle"
                size="compact-sm"
                aria-label={words.form.removeNamed(nameOf(id))}
                onClick={() => change(id, (former) => former.filter((one) => one !== id))}
              >
                {words.form.remove}
              </Button>
            </Group>
          ))}
        </Stack>
      )}
      <Finder
        ref={input}
        label={words.form.find}
        typed={typed}
        onType={setTyped}
        found={found?.map((one) => (one.id.startsWith('grp_') ? { ...one, detail: words.form.group } : one))}
        none={words.form.nobodySuch}
        choose={words.form.add}
        onChoose={({ id }) => change(id, (former) => [...former, id])}
      />
      {failed && <Refused error={failed} />}
    </Fieldset>
  )
}
