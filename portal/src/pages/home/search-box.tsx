import { Button, Group, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { words } from '../../words.ts'

export function SearchBox() {
  const navigate = useNavigate()
  const [q, setQ] = useState('')
  const search = (event: FormEvent) => {
    event.preventDefault()
    void navigate({ to: '/search', search: { q } })
  }
  return (
    <search>
      <Group component="form" onSubmit={search} gap="sm" wrap="nowrap">
        <TextInput
          type="search"
          size="md"
          flex={1}
          aria-label={words.home.searchLabel}
          placeholder={words.home.searchHint}
          value={q}
          onChange={(event) => setQ(event.currentTarget.value)}
        />
        <Button type="submit" size="md">
          {words.home.search}
        </Button>
      </Group>
    </search>
  )
}
