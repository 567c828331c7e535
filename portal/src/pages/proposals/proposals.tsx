import { Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { proposalState } from '../../../../src/contract/proposals.ts'
import { proposalList } from '../../data/setup.ts'
import { TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { SetupNav } from '../../parts/setup-nav.tsx'
import { setup as words } from '../../words-for-setup.ts'
import { ProposalState } from './proposal-state.tsx'

/** What waits for a second person, and what came of what did. Which of them are shown stands in the address. */
export function Proposals() {
  const { state } = useSearch({ from: '/proposals' })
  const navigate = useNavigate()
  const query = useInfiniteQuery(proposalList(state))
  const choose = (chosen: string) => {
    void navigate({ to: '/proposals', search: { state: proposalState.safeParse(chosen).data }, replace: true })
  }
  return (
    <Page title={words.proposals.title}>
      <SetupNav />
      <NativeSelect
        label={words.proposals.filter}
        value={state ?? ''}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[
          { value: '', label: words.proposals.all },
          ...proposalState.options.map((value) => ({ value, label: words.proposals.states[value] })),
        ]}
        maw="16rem"
      />
      <Paged query={query} empty={state ? words.proposals.noneSuch : words.proposals.none}>
        {({ id, kind, proposer, state, createdAt, problem }) => (
          <Group key={id} className="lk-row" justify="space-between" align="flex-start" gap="xs">
            <Stack gap={2} flex={1} miw="12rem">
              <TextLink to="/proposals/$id" params={{ id }}>
                {words.proposals.kinds[kind]}
              </TextLink>
              {problem && <bdi className="lk-dim">{problem.message}</bdi>}
              <Text size="sm" c="dimmed">
                <bdi>{words.proposals.by(proposer.name)}</bdi> · <Moment at={createdAt} />
              </Text>
            </Stack>
            <ProposalState state={state} />
          </Group>
        )}
      </Paged>
    </Page>
  )
}
