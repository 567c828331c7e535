import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ProposalView } from '../../../../src/contract/proposals.ts'
import { proposal } from '../../data/setup.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { setup as words } from '../../words-for-setup.ts'
import { Deciding } from './deciding.tsx'
import { Differences } from './differences.tsx'
import { ProposalState } from './proposal-state.tsx'

/** One change that a second person decides on: what it would make another, and the answer to it. Letters lead here. */
export function ProposalPage() {
  const { id } = useParams({ from: '/proposals/$id' })
  const { data, error, refetch } = useQuery(proposal(id))
  if (!data) {
    return <Page title={words.proposal.title}>{error ? <Failed error={error} again={() => void refetch()} /> : <Loading />}</Page>
  }
  return (
    <Page title={words.proposals.kinds[data.kind]} beside={<ProposalState state={data.state} />}>
      <ProposalFacts proposal={data} />
      <Differences proposal={data} />
      <Deciding proposal={data} />
    </Page>
  )
}

function ProposalFacts({ proposal: told }: { readonly proposal: ProposalView }) {
  const { proposer, createdAt, expiresAt, decidedAt, performedAt, subject, problem, state } = told
  return (
    <Stack className="lk-card" gap="sm">
      <Facts
        facts={{
          [words.proposal.proposer]: <bdi className="lk-name">{proposer.name}</bdi>,
          [words.proposal.subject]: subject && <code>{subject}</code>,
          [words.proposal.when]: <Moment at={createdAt} />,
          [words.proposal.lapses]: state === 'open' && <Moment at={expiresAt} />,
          [words.proposal.decided]: decidedAt && <Moment at={decidedAt} />,
          [words.proposal.done]: performedAt && <Moment at={performedAt} />,
          [words.proposal.problem]: problem && (
            <bdi className="lk-text">{[problem.message, problem.fix].filter(Boolean).join('. ')}</bdi>
          ),
        }}
      />
    </Stack>
  )
}
