import { Group, Timeline as Line, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { grant as grantQuery } from '../../data/queries.ts'
import { story } from '../../data/trail.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { ButtonLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Resources } from '../../parts/resources.tsx'
import { GrantState } from '../../parts/state.tsx'
import { words as shared } from '../../words.ts'
import { work as words } from '../../words-for-work.ts'
import { Actor } from './actor.tsx'
import { Chain } from './chain.tsx'
import { More } from './entry.tsx'

/** One access, from the request to the proof that it is gone, as the trail has it: every link, and none that was left out. */
export function GrantStory() {
  const { id } = useParams({ from: '/audit/grants/$id' })
  const grant = useQuery(grantQuery(id))
  const requestId = grant.data?.requestId
  const told = useQuery({ ...story([requestId ?? '', id]), enabled: requestId !== undefined })
  if (!grant.data || !told.data) {
    const error = grant.data ? told.error : grant.error
    const again = () => void Promise.all([grant.refetch(), told.refetch()])
    return <Page title={words.audit.story}>{error ? <Failed error={error} again={again} /> : <Loading />}</Page>
  }
  const { grantee, resources, state } = grant.data
  return (
    <Page title={words.audit.story} beside={<GrantState state={state} />}>
      <Facts
        facts={{
          [shared.request.who]: <bdi className="lk-name">{grantee.name}</bdi>,
          [shared.request.what]: <Resources resources={resources} />,
          [shared.receipt.id]: <code>{id}</code>,
        }}
      />
      <Group>
        <ButtonLink to="/grants/$id/receipt" params={{ id }} variant="default">
          {shared.receipt.link}
        </ButtonLink>
        <ButtonLink to="/requests/$id" params={{ id: grant.data.requestId }} variant="default">
          {shared.request.title}
        </ButtonLink>
      </Group>
      <Section title={words.audit.happened}>
        <Line active={told.data.length} bulletSize={14} lineWidth={2}>
          {told.data.map((entry) => (
            <Line.Item key={entry.id} title={<code>{entry.kind}</code>}>
              <Text size="sm">
                <Actor id={entry.actor} /> · <Moment at={entry.at} />
              </Text>
              <More entry={entry} />
            </Line.Item>
          ))}
        </Line>
      </Section>
      <Chain />
    </Page>
  )
}
