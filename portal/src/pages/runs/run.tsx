import { Stack } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { runs } from '../../../../src/contract/endpoints/runs.ts'
import type { RunView } from '../../../../src/contract/runs.ts'
import { api } from '../../data/api.ts'
import { run, runSteps, workKeys } from '../../data/work.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Irreversible, Risk } from '../../parts/risk.tsx'
import { useRole } from '../../parts/role.ts'
import { Steps } from '../../parts/steps.tsx'
import { Sure } from '../../parts/sure.tsx'
import { work as words } from '../../words-for-work.ts'
import { Proof } from './proof.tsx'
import { RunState } from './run-state.tsx'
import { WayBack } from './way-back.tsx'

/** One run: what it does step by step while it does it, what was there before, and the way back. */
export function RunPage() {
  const { id } = useParams({ from: '/runs/$id' })
  const { data, error, refetch } = useQuery(run(id))
  if (!data) {
    return <Page title={words.run.title}>{error ? <Failed error={error} again={() => void refetch()} /> : <Loading />}</Page>
  }
  return (
    <Page title={data.title} beside={<RunState state={data.state} />}>
      {!data.reversible && <Irreversible />}
      <RunFacts run={data} />
      <RunSteps run={data} />
      <Proof run={data} />
      <Doing run={data} />
    </Page>
  )
}

function RunFacts({ run: told }: { readonly run: RunView }) {
  const { concerns, orderedBy, startedBy, reason, risk, progress, problem, failure, cancelled, undo } = told
  return (
    <Stack className="lk-card" gap="sm">
      <Facts
        facts={{
          [words.run.what]: concerns.map(({ name }) => name).join(', ') && (
            <bdi className="lk-name">{concerns.map(({ name }) => name).join(', ')}</bdi>
          ),
          [words.run.who]: <bdi className="lk-name">{orderedBy?.name ?? words.runs.by[startedBy.kind]}</bdi>,
          [words.reason]: <bdi className="lk-text">{reason}</bdi>,
          [words.run.risk]: <Risk risk={risk} />,
          [words.run.progress]: words.run.steps(progress.done, progress.of),
          [words.run.ordered]: <Moment at={told.createdAt} />,
          [words.run.done]: told.doneAt && <Moment at={told.doneAt} />,
          [words.run.undone]: told.undoneAt && <Moment at={told.undoneAt} />,
          [words.run.cancelled]: cancelled && <bdi>{words.run.cancelledBy(cancelled.by.name)}</bdi>,
          [words.run.failure]: failure && failure.message !== problem?.message && <bdi>{failure.message}</bdi>,
          [undoWord(told.state)]: undo && <bdi>{words.run.undoBy(undo.by?.name ?? words.run.broker, undo.reason)}</bdi>,
          [words.run.problem]: problem && <bdi>{[problem.message, problem.fix].filter(Boolean).join('. ')}</bdi>,
        }}
      />
    </Stack>
  )
}

/** What came of somebody's wish to have it taken back. */
function undoWord(state: RunView['state']): string {
  if (state === 'undone') return words.run.undo
  return state === 'undoing' || state === 'stuck' ? words.run.beingUndone : words.run.notUndone
}

function RunSteps({ run: told }: { readonly run: RunView }) {
  const { data, error, refetch } = useQuery(runSteps(told))
  return (
    <Section title={words.run.stepsTitle}>
      {data ? (
        <Steps steps={data} none={words.run.noSteps} />
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Loading lines={1} />
      )}
    </Section>
  )
}

/** What an admin can still do about it. */
function Doing({ run: told }: { readonly run: RunView }) {
  const client = useQueryClient()
  const isAdmin = useRole('admin')
  const maySee = useRole('admin', 'owner', 'auditor')
  const cancel = async () => {
    await api.call(runs.cancel, { params: { id: told.id } })
    await client.invalidateQueries({ queryKey: workKeys.runs })
  }
  return (
    <>
      {isAdmin && (
        <div>
          <Sure
            label={words.run.cancel}
            yes={words.run.cancelYes}
            no={words.leave}
            isPossible={told.state === 'stuck' || (['pending', 'executing'].includes(told.state) && told.cancelled === null)}
            work={cancel}
          />
        </div>
      )}
      {maySee && told.reversible && <WayBack run={told} mayOrder={isAdmin} />}
    </>
  )
}
