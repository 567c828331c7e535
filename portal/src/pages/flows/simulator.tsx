import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import { simulator } from '../../../../src/contract/endpoints/access.ts'
import type { FlowView } from '../../../../src/contract/flows.ts'
import type { Simulation } from '../../../../src/contract/simulation.ts'
import { api } from '../../data/api.ts'
import { resourcesNamed } from '../../data/flows.ts'
import { useDoing } from '../../parts/doing.ts'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { flows as words } from '../../words-for-flows.ts'
import { Finder } from './finder.tsx'
import { useNamed } from './names.ts'
import { Outcome } from './outcome.tsx'

interface Chosen {
  readonly id: string
  readonly name: string
}

interface Given {
  readonly flow: FlowView
  readonly plugin: CatalogEntry | undefined
}

/** Who could get what under this flow, and who would decide: the broker is asked as if they asked. */
export function Simulator({ flow, plugin }: Given) {
  const [resource, setResource] = useState<Chosen & { readonly type: string }>()
  const [permissions, setPermissions] = useState<readonly string[]>([])
  const [person, setPerson] = useState<Chosen>()
  const [found, setFound] = useState<{ readonly of: string; readonly under: Simulation['flows'][number] | undefined }>()
  const asked = { resourceId: resource?.id ?? '', permissions: [...permissions], userId: person?.id }
  const look = useDoing(async () => {
    const body = asked as Parameters<typeof api.call<typeof simulator.simulate>>[1]['body']
    const { flows } = await api.call(simulator.simulate, { body })
    setFound({ of: JSON.stringify(asked), under: flows.find(({ id }) => id === flow.id) })
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    look.run()
  }
  const type = plugin?.resourceTypes.find(({ id }) => id === resource?.type)
  const offered = flow.rule.permissions[resource?.type ?? ''] ?? []
  return (
    <Section title={words.simulator.title}>
      <Stack component="form" onSubmit={submit} className="lk-card" gap="md">
        <Text c="dimmed">{words.simulator.hint}</Text>
        <Choice
          label={words.simulator.resource}
          chosen={resource}
          forget={() => {
            setResource(undefined)
            setPermissions([])
          }}
        >
          <ResourceFinder integration={flow.integrationId} onChoose={setResource} />
        </Choice>
        {resource && offered.length === 0 && <Text>{words.simulator.nothing}</Text>}
        {resource && offered.length > 0 && (
          <Checkbox.Group label={words.simulator.permissions} value={[...permissions]} onChange={setPermissions}>
            <Group gap="md" mt="xs">
              {offered.map((id) => (
                <Checkbox key={id} value={id} label={type?.permissions.find((one) => one.id === id)?.title ?? id} />
              ))}
            </Group>
          </Checkbox.Group>
        )}
        <Choice label={words.simulator.person} chosen={person} forget={() => setPerson(undefined)}>
          <PersonFinder onChoose={setPerson} />
        </Choice>
        <Refused error={look.error} />
        <Group>
          <Button type="submit" variant="default" loading={look.isBusy} disabled={!resource || permissions.length === 0}>
            {words.simulator.look}
          </Button>
        </Group>
        <div aria-live="polite">
          {found?.under && found.of === JSON.stringify(asked) && <Outcome of={found.under} person={person?.name} />}
        </div>
      </Stack>
    </Section>
  )
}

interface ChoiceGiven {
  readonly label: string
  readonly chosen: Chosen | undefined
  readonly forget: () => void
  readonly children: ReactNode
}

/** What was chosen stands in the place of the search. */
function Choice({ label, chosen, forget, children }: ChoiceGiven) {
  const place = useRef<HTMLDivElement>(null)
  const wasChosen = useRef(false)
  useEffect(() => {
    // The button that was pressed is gone.
    if (!chosen && wasChosen.current) place.current?.querySelector('input')?.focus()
    wasChosen.current = chosen !== undefined
  }, [chosen])
  if (!chosen) return <div ref={place}>{children}</div>
  return (
    <Group gap="xs">
      <Text>
        <span className="lk-dim">{label}: </span>
        <bdi className="lk-name">{chosen.name}</bdi>
      </Text>
      <Button variant="subtle" size="compact-sm" autoFocus aria-label={`${words.simulator.other}: ${label}`} onClick={forget}>
        {words.simulator.other}
      </Button>
    </Group>
  )
}

interface ResourceFinderGiven {
  readonly integration: string
  readonly onChoose: (chosen: Chosen & { readonly type: string }) => void
}

function ResourceFinder({ integration, onChoose }: ResourceFinderGiven) {
  const [typed, setTyped] = useState('')
  const q = typed.trim()
  const { data } = useQuery({
    ...resourcesNamed(integration, q),
    enabled: q !== '',
    placeholderData: keepPreviousData,
  })
  return (
    <Finder
      label={words.simulator.resource}
      description={words.form.find}
      typed={typed}
      onType={setTyped}
      found={data?.map((one) => ({ ...one, detail: one.type }))}
      none={words.form.nothingSuch}
      choose={words.simulator.choose}
      onChoose={({ id, name, detail }) => onChoose({ id, name, type: detail ?? '' })}
    />
  )
}

function PersonFinder({ onChoose }: { readonly onChoose: (chosen: Chosen) => void }) {
  const [typed, setTyped] = useState('')
  const { found } = useNamed(typed)
  return (
    <Finder
      label={words.simulator.person}
      description={words.simulator.personHint}
      typed={typed}
      onType={setTyped}
      found={found?.filter(({ id }) => id.startsWith('usr_'))}
      none={words.form.nobodySuch}
      choose={words.simulator.choose}
      onChoose={onChoose}
    />
  )
}
