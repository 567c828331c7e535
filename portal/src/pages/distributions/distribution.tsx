import { Progress, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { DistributionView } from '../../../../src/contract/distributions.ts'
import { distributions } from '../../../../src/contract/endpoints/distributions.ts'
import { api } from '../../data/api.ts'
import { distribution, settledOf, workKeys } from '../../data/work.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { useRole } from '../../parts/role.ts'
import { WithReason } from '../../parts/with-reason.tsx'
import { work as words } from '../../words-for-work.ts'
import { DistributionState } from './distribution-state.tsx'
import { TakeBack } from './take-back.tsx'
import { TargetTable } from './target-table.tsx'

/** One certificate on its way: a table of its targets that fills by itself. */
export function DistributionPage() {
  const { id } = useParams({ from: '/distributions/$id' })
  const { data, error, refetch } = useQuery(distribution(id))
  const isAdmin = useRole('admin')
  if (!data) {
    const face = error ? <Failed error={error} again={() => void refetch()} /> : <Loading />
    return <Page title={words.distributions.title1}>{face}</Page>
  }
  const { certificate, orderedBy, reason, createdAt, finishedAt, state, targets } = data
  const settled = settledOf(data)
  return (
    <Page title={words.distributions.of(certificate.name)} beside={<DistributionState state={state} />}>
      <Stack className="lk-card" gap="sm">
        <Facts
          facts={{
            [words.distributions.certificate]: <code>{certificate.fingerprint}</code>,
            [words.run.who]: <bdi className="lk-name">{orderedBy.name}</bdi>,
            [words.reason]: <bdi className="lk-text">{reason}</bdi>,
            [words.run.ordered]: <Moment at={createdAt} />,
            [words.distributions.finished]: finishedAt && <Moment at={finishedAt} />,
          }}
        />
      </Stack>
      <Section title={words.distributions.targets}>
        <Text role="status">{words.distributions.settled(settled, targets.length)}</Text>
        <Progress value={(100 * settled) / targets.length} aria-label={words.distributions.targets} />
        <TargetTable targets={targets} />
      </Section>
      {isAdmin && <Doing distribution={data} />}
    </Page>
  )
}

/** What an admin can do about it now. */
function Doing({ distribution: told }: { readonly distribution: DistributionView }) {
  const client = useQueryClient()
  const params = { id: told.id }
  const after = async (done: Promise<unknown>) => {
    await done
    await client.invalidateQueries({ queryKey: workKeys.distributions })
  }
  const isRunning = told.state === 'running'
  return (
    <Stack gap="sm">
      <WithReason
        label={words.distributions.cancel}
        yes={words.distributions.cancelYes}
        isPossible={isRunning}
        work={(reason) => after(api.call(distributions.cancel, { params, body: { reason } }))}
      />
      <WithReason
        label={words.distributions.resume}
        yes={words.distributions.resumeYes}
        isPossible={
          !isRunning && told.targets.some(({ removed, state, undoable }) => state === 'failed' && !undoable && !removed)
        }
        work={(reason) => after(api.call(distributions.resume, { params, body: { reason } }))}
      />
      <TakeBack distribution={told} />
    </Stack>
  )
}
