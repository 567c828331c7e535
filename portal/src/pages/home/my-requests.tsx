import { Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { myRequests, request } from '../../data/queries.ts'
import { TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { listed } from '../../parts/people.ts'
import { RequestState } from '../../parts/state.tsx'
import { words } from '../../words.ts'

export function MyRequests() {
  const query = useInfiniteQuery(myRequests())
  return (
    <Section title={words.home.waiting}>
      <Paged query={query} empty={words.home.noWaiting}>
        {({ id, asked, state, createdAt }) => (
          <Group key={id} className="lk-row" justify="space-between" gap="xs">
            <Stack gap={0}>
              <TextLink to="/requests/$id" params={{ id }} className="lk-begin">
                <bdi>{asked}</bdi>
              </TextLink>
              <Text size="sm" c="dimmed">
                <Moment at={createdAt} />
              </Text>
              {state === 'pending' && <WhoDecides id={id} />}
            </Stack>
            <RequestState state={state} />
          </Group>
        )}
      </Paged>
    </Section>
  )
}

/** Lists do not say it; of the few that wait it is asked for each. */
function WhoDecides({ id }: { readonly id: string }) {
  const { data } = useQuery(request(id))
  if (!data?.waitsFor || data.waitsFor.length === 0) return null
  return (
    <Text size="sm" c="dimmed">
      {words.request.waitsFor(data.waitsFor.map(({ people }) => listed(people)).join(words.request.andAlso))}
    </Text>
  )
}
