import { Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import { catalogEntries } from '../../data/setup.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { ButtonLink } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { setup as words } from '../../words-for-setup.ts'
import { ConnectForm } from './connect-form.tsx'

/** A system to be connected: first which kind of, then the plugin's own form. The kind stands in the address. */
export function Connect() {
  const { plugin } = useSearch({ from: '/integrations/new' })
  const { data, error, refetch } = useQuery(catalogEntries())
  const chosen = data?.find(({ id }) => id === plugin)
  return (
    <Page title={words.connect.title}>
      {!data ? (
        error ? (
          <Failed error={error} again={() => void refetch()} />
        ) : (
          <Loading />
        )
      ) : chosen ? (
        <>
          <Group justify="space-between">
            <Text>{chosen.name}</Text>
            <ButtonLink to="/integrations/new" search={{ plugin: '' }} variant="subtle">
              {words.connect.other}
            </ButtonLink>
          </Group>
          <ConnectForm key={chosen.id} plugin={chosen} />
        </>
      ) : (
        <Tiles entries={data} />
      )}
    </Page>
  )
}

function Tiles({ entries }: { readonly entries: readonly CatalogEntry[] }) {
  return (
    <Stack gap="sm">
      <Title order={2}>{words.connect.kind}</Title>
      {entries.map(({ id, name, vendor, description }) => (
        <Group key={id} className="lk-card" justify="space-between" align="flex-start">
          <Stack gap={4} flex={1} miw="12rem">
            <Title order={3}>{name}</Title>
            <Text>{description}</Text>
            <Text size="sm" c="dimmed">
              {words.connect.by(vendor)}
            </Text>
          </Stack>
          <ButtonLink to="/integrations/new" search={{ plugin: id }} aria-label={`${words.connect.choose}: ${name}`}>
            {words.connect.choose}
          </ButtonLink>
        </Group>
      ))}
    </Stack>
  )
}
