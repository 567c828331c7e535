import { Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { inbox } from '../../data/queries.ts'
import { inWords } from '../../parts/duration.ts'
import { ButtonLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { words } from '../../words.ts'

/** What waits for a word of this person. */
export function Inbox() {
  const query = useInfiniteQuery(inbox())
  return (
    <Page title={words.inbox.title}>
      <Paged query={query} empty={words.inbox.nothing}>
        {({ id, requester, asked, seconds, justification, action, createdAt }) => (
          <Group key={id} className="lk-card" justify="space-between" align="flex-start" gap="md">
            <Stack gap={4} flex={1} miw="14rem">
              <Text>
                <bdi className="lk-name">{requester.name}</bdi> {words.inbox.wants} <bdi className="lk-name">{asked}</bdi>
                {action ? '' : ` ${words.request.forTime(inWords(seconds))}`}
              </Text>
              {justification && <bdi className="lk-text">{justification}</bdi>}
              <Text size="sm" c="dimmed">
                <Moment at={createdAt} />
              </Text>
            </Stack>
            <ButtonLink to="/requests/$id" params={{ id }} aria-label={words.inbox.reviewOf(requester.name, asked)}>
              {words.inbox.review}
            </ButtonLink>
          </Group>
        )}
      </Paged>
    </Page>
  )
}
