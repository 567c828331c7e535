import { Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { distributionList } from '../../data/work.ts'
import { TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { WorkNav } from '../../parts/work-nav.tsx'
import { work as words } from '../../words-for-work.ts'
import { DistributionState } from './distribution-state.tsx'

/** Which certificate went to how many targets, latest first. */
export function Distributions() {
  const query = useInfiniteQuery(distributionList())
  return (
    <Page title={words.distributions.title}>
      <WorkNav />
      <Paged query={query} empty={words.distributions.none}>
        {({ id, certificate, reason, orderedBy, state, counts, createdAt }) => (
          <Group key={id} className="lk-row" justify="space-between" align="flex-start" gap="xs">
            <Stack gap={2} flex={1} miw="12rem">
              <TextLink to="/distributions/$id" params={{ id }}>
                <bdi>{certificate.name}</bdi>
              </TextLink>
              <bdi className="lk-text">{reason}</bdi>
              <Text size="sm">{countsInWords(counts)}</Text>
              <Text size="sm" c="dimmed">
                <bdi>{orderedBy.name}</bdi> · <Moment at={createdAt} />
              </Text>
            </Stack>
            <DistributionState state={state} />
          </Group>
        )}
      </Paged>
    </Page>
  )
}

/** `Verified: 2, Failed: 1` */
function countsInWords(counts: Readonly<Partial<Record<keyof typeof words.distributions.parts, number>>>): string {
  return Object.entries(words.distributions.parts)
    .map(([state, name]) => [name, counts[state as keyof typeof counts] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ')
}
