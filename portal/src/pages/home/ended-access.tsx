import { Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { endedGrants } from '../../data/queries.ts'
import { TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { Resources } from '../../parts/resources.tsx'
import { GrantState } from '../../parts/state.tsx'
import { words } from '../../words.ts'

export function EndedAccess() {
  const query = useInfiniteQuery(endedGrants())
  return (
    <Section title={words.home.ended}>
      <Paged query={query} empty={words.home.noEnded}>
        {({ id, state, resources, endedAt, createdAt }) => (
          <Group key={id} className="lk-row" justify="space-between" gap="xs">
            <Stack gap={0}>
              <Resources resources={resources} />
              <Text size="sm" c="dimmed">
                <Moment at={endedAt ?? createdAt} />
              </Text>
            </Stack>
            <Group gap="md">
              <GrantState state={state} />
              <TextLink to="/grants/$id/receipt" params={{ id }} aria-label={words.receipt.of(resources[0]?.name ?? '')}>
                {words.receipt.link}
              </TextLink>
            </Group>
          </Group>
        )}
      </Paged>
    </Section>
  )
}
