import { Group, Stack, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { rotations } from '../../../../src/contract/endpoints/rotations.ts'
import type { RotationTurn, RotationView } from '../../../../src/contract/rotations.ts'
import { api } from '../../data/api.ts'
import { workKeys } from '../../data/work.ts'
import { inWords } from '../../parts/duration.ts'
import { Facts } from '../../parts/facts.tsx'
import { TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { type Mood, Said } from '../../parts/state.tsx'
import { WithReason } from '../../parts/with-reason.tsx'
import { work as words } from '../../words-for-work.ts'

interface Given {
  readonly rotation: RotationView
  readonly mayRun: boolean
  readonly mayMark: boolean
}

const MOODS: Record<RotationTurn['state'], Mood> = {
  waiting: 'wait',
  done: 'good',
  running: 'wait',
  testing: 'wait',
  finished: 'good',
  undoing: 'wait',
  undone: 'bad',
  failed: 'bad',
  refused: 'bad',
}

/** When it is due, what came of it last, and the button that does not wait for its time. */
export function Rotation({ rotation, mayRun, mayMark }: Given) {
  const client = useQueryClient()
  const { id, name, does, schedule, nextAt, overdueSeconds, pausedBecause, active, last } = rotation
  const after = async (done: Promise<unknown>) => {
    await done
    await client.invalidateQueries({ queryKey: workKeys.rotations })
  }
  const isByHand = does.kind === 'remind'
  const isUnderWay = last !== null && last.settledAt === null
  return (
    <Stack className="lk-card" gap="md">
      <Group justify="space-between" align="flex-start" gap="xs">
        <Title order={2}>
          <bdi>{name}</bdi>
        </Title>
        <Standing rotation={rotation} />
      </Group>
      <Facts
        facts={{
          [words.run.what]: isByHand ? <bdi className="lk-text">{does.what}</bdi> : <code>{does.action}</code>,
          [words.rotations.schedule]:
            schedule.kind === 'every' ? (
              words.rotations.every(inWords(schedule.seconds))
            ) : (
              <>
                <code>{schedule.line}</code> {schedule.timeZone}
              </>
            ),
          [words.rotations.next]: nextAt && overdueSeconds === null ? <Moment at={nextAt} /> : null,
          [words.rotations.paused]: active ? null : <bdi>{pausedBecause ?? words.rotations.byPerson}</bdi>,
          [words.rotations.last]: last ? <Last turn={last} /> : words.rotations.never,
        }}
      />
      {isByHand ? (
        <WithReason
          label={words.rotations.done}
          yes={words.rotations.doneYes}
          isPossible={mayMark && last?.state === 'waiting'}
          needsReason={false}
          reasonLabel={words.rotations.note}
          work={(note) => after(api.call(rotations.done, { params: { id }, body: note === '' ? {} : { note } }))}
        />
      ) : (
        <WithReason
          label={words.rotations.now}
          yes={words.rotations.nowYes}
          isPossible={mayRun && active && !isUnderWay}
          work={(reason) => after(api.call(rotations.run, { params: { id }, body: { reason } }))}
        />
      )}
    </Stack>
  )
}

function Standing({ rotation: { active, overdueSeconds } }: Pick<Given, 'rotation'>) {
  if (!active) return <Said mood="calm">{words.rotations.paused}</Said>
  if (overdueSeconds === null) return <Said mood="good">{words.rotations.due}</Said>
  return <Said mood="bad">{words.rotations.overdue(inWords(overdueSeconds))}</Said>
}

function Last({ turn: { state, createdAt, settledAt, problem, runId, note } }: { readonly turn: RotationTurn }) {
  return (
    <Stack gap={2}>
      <Said mood={MOODS[state]}>{words.rotations.turns[state]}</Said>
      <Moment at={settledAt ?? createdAt} />
      {problem && <bdi className="lk-text">{[problem.message, problem.fix].filter(Boolean).join('. ')}</bdi>}
      {note && <bdi className="lk-text">{note}</bdi>}
      {runId && (
        <TextLink to="/runs/$id" params={{ id: runId }}>
          {words.rotations.see}
        </TextLink>
      )}
    </Stack>
  )
}
