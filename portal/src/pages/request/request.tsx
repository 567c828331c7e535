import { Group, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { me, request } from '../../data/queries.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { ButtonLink } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { RequestState } from '../../parts/state.tsx'
import { words } from '../../words.ts'
import { Decide } from './decide.tsx'
import { RequestFacts } from './request-facts.tsx'
import { Withdraw } from './withdraw.tsx'

/** One request: for who asked, for who may decide, and for who looks at it later. Opening the page does nothing. */
export function RequestPage() {
  const { id } = useParams({ from: '/requests/$id' })
  const { data, error, refetch } = useQuery(request(id))
  const { data: self } = useQuery(me())
  if (!data) {
    return <Page title={words.request.title}>{error ? <Failed error={error} again={() => void refetch()} /> : <Loading />}</Page>
  }
  const isMine = data.requester.id === self?.id
  const mayDecide = data.state === 'pending' && data.approvers.some((approver) => approver.id === self?.id)
  return (
    <Page
      title={isMine ? words.request.mine : words.request.of(data.requester.name)}
      beside={<RequestState state={data.state} />}
    >
      <Stack gap="xl">
        {data.grantId && data.state === 'approved' && (
          <Group>
            <ButtonLink to="/grants/$id" params={{ id: data.grantId }} size="md">
              {isMine ? words.request.toAccess : words.request.toGrant}
            </ButtonLink>
          </Group>
        )}
        {data.action?.runId && (
          <Group>
            <ButtonLink to="/runs/$id" params={{ id: data.action.runId }} size="md">
              {words.request.toRun}
            </ButtonLink>
          </Group>
        )}
        <RequestFacts request={data} />
        <Decide request={data} isPossible={mayDecide} />
        {isMine && <Withdraw id={id} isPossible={data.state === 'pending'} />}
      </Stack>
    </Page>
  )
}
