import { Group, Stack, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { search as found } from '../../data/queries.ts'
import { ButtonLink } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { words } from '../../words.ts'

const PAUSE_MS = 250

/** Over everything somebody may ask for. What is looked for stands in the address, to be kept and passed on. */
export function Search() {
  const { q } = useSearch({ from: '/search' })
  const navigate = useNavigate()
  const [typed, setTyped] = useState(q)
  const sent = useRef(q)
  useEffect(() => {
    // The address was changed by going back, and not by typing.
    if (q === sent.current) return
    sent.current = q
    setTyped(q)
  }, [q])
  useEffect(() => {
    if (typed === q) return undefined
    const pause = setTimeout(() => {
      sent.current = typed
      void navigate({ to: '/search', search: { q: typed }, replace: true })
    }, PAUSE_MS)
    return () => clearTimeout(pause)
  }, [typed, q, navigate])
  const query = useInfiniteQuery(found(q))
  return (
    <Page title={words.search.title}>
      <search>
        <TextInput
          type="search"
          size="md"
          aria-label={words.home.searchLabel}
          placeholder={words.home.searchHint}
          value={typed}
          maxLength={200}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </search>
      <Paged query={query} empty={q === '' ? words.search.nothing : words.search.noMatch(q)}>
        {({ id, name, type, integrationName, tags, ungrantable }) => (
          <Group key={id} className="lk-row" justify="space-between" gap="sm">
            <Stack gap={2} flex={1} miw="12rem">
              <bdi className="lk-name">{name}</bdi>
              <Text size="sm" c="dimmed">
                {[type, integrationName, ...Object.entries(tags).map(([key, value]) => `${key}: ${value}`)].join(' · ')}
              </Text>
              {ungrantable && <Text size="sm">{ungrantable}</Text>}
            </Stack>
            {!ungrantable && (
              <ButtonLink to="/ask" search={{ resource: id }} variant="default" aria-label={words.search.askFor(name)}>
                {words.search.ask}
              </ButtonLink>
            )}
          </Group>
        )}
      </Paged>
    </Page>
  )
}
