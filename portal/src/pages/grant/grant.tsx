import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { grant as grantQuery, me } from '../../data/queries.ts'
import { Countdown } from '../../parts/countdown.tsx'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { GiveBack } from '../../parts/give-back.tsx'
import { ButtonLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { Resources } from '../../parts/resources.tsx'
import { GrantState } from '../../parts/state.tsx'
import { words } from '../../words.ts'
import { Reveal } from './reveal.tsx'

/** Access while it lasts: what it is to, how long, and its credential. */
export function GrantPage() {
  const { id } = useParams({ from: '/grants/$id' })
  const { data, error, refetch } = useQuery(grantQuery(id))
  const { data: self } = useQuery(me())
  if (!data)
    return <Page title={words.grant.title}>{error ? <Failed error={error} again={() => void refetch()} /> : <Loading />}</Page>
  const isMine = data.grantee.id === self?.id
  const isActive = data.state === 'active'
  return (
    <Page
      title={isMine ? words.grant.mine : words.grant.of(data.grantee.name)}
      beside={
        <Group gap="md">
          {isActive && <Countdown grant={data} />}
          <GrantState state={data.state} />
        </Group>
      }
    >
      <Stack className="lk-card" gap="sm">
        <Facts
          facts={{
            [words.request.what]: <Resources resources={data.resources} />,
            [words.grant.began]: data.beginsAt && <Moment at={data.beginsAt} />,
            [words.grant.ends]: data.expiresAt && data.endedAt === null ? <Moment at={data.expiresAt} /> : null,
            [words.grant.ended]: data.endedAt && <Moment at={data.endedAt} />,
            [words.grant.atTheEnd]: isActive && data.guarantee ? words.grant.guarantees[data.guarantee] : null,
            [words.grant.details]: data.accessDetails && <bdi className="lk-text">{data.accessDetails}</bdi>,
            [words.grant.problem]: data.problem && [data.problem.message, data.problem.fix].filter(Boolean).join('. '),
          }}
        />
      </Stack>
      {data.state === 'provisioning' && <Text role="status">{words.grant.settingUp}</Text>}
      {isMine && <Reveal id={id} isPossible={isActive} />}
      <Group gap="sm">
        {isMine && <GiveBack id={id} isPossible={isActive} />}
        {!isActive && (
          <ButtonLink to="/grants/$id/receipt" params={{ id }} variant={data.endedAt ? 'filled' : 'default'}>
            {words.receipt.link}
          </ButtonLink>
        )}
        {isMine && data.endedAt && data.resources[0] && (
          <ButtonLink to="/ask" search={{ resource: data.resources[0].resourceId }} variant="default">
            {words.grant.again}
          </ButtonLink>
        )}
      </Group>
    </Page>
  )
}
