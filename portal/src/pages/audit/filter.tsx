import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import type { Wanted } from '../../data/trail.ts'
import { work as words } from '../../words-for-work.ts'

const TEXTS = ['kind', 'subject', 'actor'] as const
const TIMES = ['from', 'to'] as const

export function Filter({ wanted }: { readonly wanted: Wanted }) {
  const navigate = useNavigate()
  const [typed, setTyped] = useState<Wanted>(wanted)
  const show = (search: Wanted) => void navigate({ to: '/audit', search })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const given = Object.entries(typed).map(([name, value]) => [name, value?.trim() || undefined] as const)
    show(Object.fromEntries(given))
  }
  return (
    <search>
      <Stack component="form" onSubmit={submit} gap="md" className="lk-card">
        <Group grow gap="md" preventGrowOverflow={false}>
          {TEXTS.map((name) => (
            <TextInput
              key={name}
              label={words.audit.filters[name]}
              placeholder={words.audit.examples[name]}
              miw="10rem"
              maxLength={100}
              autoComplete="off"
              value={typed[name] ?? ''}
              onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
            />
          ))}
        </Group>
        <Group grow gap="md" preventGrowOverflow={false}>
          {TIMES.map((name) => (
            <TextInput
              key={name}
              type="datetime-local"
              label={words.audit.filters[name]}
              miw="10rem"
              value={localOf(typed[name])}
              onChange={(event) => setTyped({ ...typed, [name]: instantOf(event.currentTarget.value) })}
            />
          ))}
        </Group>
        <Group gap="sm">
          <Button type="submit">{words.audit.show}</Button>
          <Button variant="subtle" onClick={() => show({})}>
            {words.audit.showAll}
          </Button>
        </Group>
      </Stack>
    </search>
  )
}

/** As the field has it: the viewer's own time, to the minute. */
function localOf(at: string | undefined): string {
  const moment = new Date(at ?? '')
  if (Number.isNaN(moment.getTime())) return ''
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

function instantOf(local: string): string | undefined {
  const moment = new Date(local)
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString()
}
