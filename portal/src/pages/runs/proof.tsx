import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ChangeReceipt, RunView } from '../../../../src/contract/runs.ts'
import { runReceipt } from '../../data/work.ts'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { Said } from '../../parts/state.tsx'
import { words as shared } from '../../words.ts'
import { work as words } from '../../words-for-work.ts'

/** What the target answered when it was looked at afterwards, and under which id it has the call in its own log. */
export function Proof({ run: told }: { readonly run: RunView }) {
  const { data } = useQuery(runReceipt(told))
  if (!data?.done && !data?.undone) return null
  return (
    <Section title={words.run.proof}>
      {data.done && <ReadBack title={words.run.proofDone} found={data.done} />}
      {data.undone && <ReadBack title={words.run.proofUndone} found={data.undone} />}
    </Section>
  )
}

function ReadBack({ title, found }: { readonly title: string; readonly found: NonNullable<ChangeReceipt['done']> }) {
  return (
    <Stack gap="xs">
      <Text fw={600}>{title}</Text>
      {found.evidence.map(({ artefact, holds, observed, requestId, requestIdBy, at }) => (
        <Stack key={artefact} className="lk-row" gap={4}>
          <Said mood={holds ? 'good' : 'bad'}>{holds ? words.run.holds : words.run.holdsNot}</Said>
          <bdi className="lk-name">{artefact}</bdi>
          <Facts
            facts={{
              [shared.receipt.observed]: <bdi>{observed}</bdi>,
              [requestIdBy === 'target' ? shared.receipt.targetsId : shared.receipt.ourId]: requestId && <code>{requestId}</code>,
              [shared.receipt.at]: <Moment at={at} />,
            }}
          />
        </Stack>
      ))}
    </Stack>
  )
}
