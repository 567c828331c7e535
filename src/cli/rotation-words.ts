import type { RotationTurn, RotationView } from '../contract/rotations.ts'
import { inWords } from './duration.ts'
import { facts, plain, table } from './lines.ts'

/** Rotations below each other: what they do, when they come, and how the last time went. */
export function rotationsInWords(rotations: readonly RotationView[]): string[] {
  return table(
    ['ROTATION', 'WHAT', 'NEXT', 'OVERDUE', 'LAST'],
    rotations.map((one) => [
      one.name,
      whatOf(one),
      one.startsAt ?? 'paused',
      one.overdueSeconds === null ? '' : inWords(one.overdueSeconds),
      one.last ? stateOf(one.last) : '',
    ]),
  )
}

/** One of them, and its history. */
export function rotationInWords(rotation: RotationView, turns: readonly RotationTurn[]): string[] {
  const { schedule } = rotation
  return [
    ...facts({
      rotation: rotation.id,
      name: rotation.name,
      what: whatOf(rotation),
      schedule: schedule.kind === 'every' ? `every ${inWords(schedule.seconds)}` : `${schedule.line} in ${schedule.timeZone}`,
      windows: rotation.windows.map(({ days, from, to, timeZone }) => `${days.join(' ')} ${from}–${to} ${timeZone}`).join('; '),
      next: rotation.startsAt ?? ['paused', rotation.pausedBecause].filter(Boolean).join(': '),
      overdue: rotation.overdueSeconds === null ? undefined : inWords(rotation.overdueSeconds),
    }),
    ...(turns.length === 0 ? [] : ['', ...table(['DUE', 'STATE', 'RUN', 'BY', 'PROBLEM'], turns.map(turnInWords))]),
  ]
}

function turnInWords(turn: RotationTurn): string[] {
  const { problem } = turn
  return [
    turn.dueAt,
    stateOf(turn),
    turn.runId ?? '',
    turn.doneBy?.name ?? turn.askedBy?.name ?? '',
    problem ? [problem.message, problem.fix].filter(Boolean).join(' — ') : (turn.note ?? ''),
  ]
}

/** What was finished may have been rolled back since. */
function stateOf({ state, runState }: RotationTurn): string {
  return state === 'finished' && runState !== 'executed' && runState !== null ? `${state}, run ${runState}` : state
}

function whatOf({ does }: RotationView): string {
  return does.kind === 'run' ? does.action : plain(does.what)
}
