import { Group, Stack, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import { Refused } from '../../../parts/refused.tsx'
import { flows as words } from '../../../words-for-flows.ts'
import { Finder } from '../finder.tsx'
import { useNamed, useNames } from '../names.ts'
import { Fieldset } from './fieldset.tsx'
import { textsOf, valuesOf, withField } from './loose.ts'
import { RemoveButton } from './remove-button.tsx'

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
  const { found: named, error: failed } = useNamed(typed)
  const found = named?.filter(({ id }) => !chosen.includes(id))
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
              <RemoveButton name={nameOf(id)} onClick={() => change(id, (former) => former.filter((one) => one !== id))} />
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
