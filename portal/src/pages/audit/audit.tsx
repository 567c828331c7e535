import { Group, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { audit } from '../../../../src/contract/endpoints/audit.ts'
import { trail, type Wanted } from '../../data/trail.ts'
import { Page, Section } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { work as words } from '../../words-for-work.ts'
import { Chain } from './chain.tsx'
import { Entry } from './entry.tsx'
import { Filter } from './filter.tsx'

/** Everything that happened, newest first. What of it is shown stands in the address. */
export function Audit() {
  const wanted = useSearch({ from: '/audit' })
  const query = useInfiniteQuery(trail(wanted))
  return (
    <Page title={words.audit.title}>
      <Chain />
      <Filter key={JSON.stringify(wanted)} wanted={wanted} />
      <Section title={words.audit.events}>
        <Paged query={query} empty={words.audit.none}>
          {(entry) => <Entry key={entry.id} entry={entry} />}
        </Paged>
      </Section>
      <Section title={words.audit.export}>
        <Group gap="lg">
          {(['jsonl', 'csv'] as const).map((format) => (
            <a key={format} href={exportOf(wanted, format)} download className="lk-link">
              {words.audit.exportAs[format]}
            </a>
          ))}
        </Group>
        <Text size="sm" c="dimmed">
          {words.audit.exportHint}
        </Text>
      </Section>
    </Page>
  )
}

/** An export is of a time, and of everything in it: what was filtered out would be missed in the chain. */
function exportOf({ from, to }: Wanted, format: string): string {
  const query = new URLSearchParams({ format, ...(from && { from }), ...(to && { to }) })
  return `${audit.export.path}?${query.toString()}`
}
