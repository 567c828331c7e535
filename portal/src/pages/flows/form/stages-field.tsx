import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import type { Values } from '../../../parts/schema-form/schema.ts'
import { flows as words } from '../../../words-for-flows.ts'
import { Fieldset } from './fieldset.tsx'
import type { Flaws } from './flaws.ts'
import { listOf, textsOf, valuesOf, withEntry, withField } from './loose.ts'
import { NeededField } from './needed-field.tsx'
import { PeopleField } from './people-field.tsx'
import { RemoveButton } from './remove-button.tsx'

const MOST_STAGES = 5
const NOBODY = { kind: 'people', users: [], groups: [] }

interface Given {
  readonly path: string
  readonly flaws: Flaws
  readonly value: readonly unknown[]
  readonly onChange: (value: readonly unknown[]) => void
}

/** One after another is asked. */
export function StagesField({ path, flaws, value, onChange }: Given) {
  return (
    <Stack gap="sm">
      {value.map((one, at) => (
        <Stage
          // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing else to be told apart by
          key={at}
          name={words.form.stage(at + 1)}
          error={flaws.within(`${path}.${at}`) ?? (at === 0 ? flaws.at(path) : undefined)}
          value={valuesOf(one)}
          onChange={(changed) => onChange(withEntry(value, at, changed))}
        />
      ))}
      {value.length < MOST_STAGES && (
        <Group>
          <Button variant="default" onClick={() => onChange([...value, { approvers: [], needed: 1 }])}>
            {words.form.addStage}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

interface StageGiven {
  readonly name: string
  readonly error: string | undefined
  readonly value: Values
  readonly onChange: (value: Values | undefined) => void
}

function Stage({ name, error, value, onChange }: StageGiven) {
  const approvers = listOf(value['approvers'])
  const kindOf = (one: unknown) => valuesOf(one)['kind']
  const set = (changed: readonly unknown[]) => onChange(withField(value, 'approvers', changed))
  const turn = (kind: string, isOn: boolean) =>
    set(isOn ? [...approvers, { kind }] : approvers.filter((one) => kindOf(one) !== kind))
  // A stage may name people more than once; each time has its field.
  const named = approvers.flatMap((one, at) => (kindOf(one) === 'people' ? [at] : []))
  return (
    <Stack gap="md" className="lk-row">
      <Fieldset legend={name} error={error}>
        {Object.entries(words.approves.sources).map(([kind, label]) => (
          <Checkbox
            key={kind}
            label={label.charAt(0).toUpperCase() + label.slice(1)}
            checked={approvers.some((one) => kindOf(one) === kind)}
            onChange={({ currentTarget }) => turn(kind, currentTarget.checked)}
          />
        ))}
        {(named.length > 0 ? named : [approvers.length]).map((at) => (
          <PeopleField
            key={at}
            legend={words.form.people}
            error={undefined}
            value={approvers[at] ?? NOBODY}
            onChange={(people) => set(withPeople(approvers, at, people))}
          />
        ))}
        <NeededField
          value={value['needed']}
          all
          error={undefined}
          onChange={(one) => onChange(withField(value, 'needed', one))}
        />
        {'escalation' in value && (
          <Text size="sm" c="dimmed">
            {words.form.escalates}
          </Text>
        )}
      </Fieldset>
      <Group>
        <RemoveButton name={name} onClick={() => onChange(undefined)} />
      </Group>
    </Stack>
  )
}

/** Nobody is left out again. */
function withPeople(approvers: readonly unknown[], at: number, people: unknown): readonly unknown[] {
  const { users, groups } = valuesOf(people)
  const isNobody = textsOf(users).length + textsOf(groups).length === 0
  if (at === approvers.length) return isNobody ? approvers : [...approvers, people]
  return withEntry(approvers, at, isNobody ? undefined : people)
}
