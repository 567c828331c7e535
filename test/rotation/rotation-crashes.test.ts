import { afterAll, describe, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { DEATHS, dieAt } from '../support/deaths.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries } from '../support/grant-flows.ts'
import {
  ARMS,
  type Arm,
  type DueSoon,
  diesBefore,
  dueSoon,
  expectOneTurn,
  questionsIn,
  type RotationStage,
  reborn,
  setRotationStage,
  testIsLate,
} from '../support/rotation-deaths.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 2
const ONE_IN = { calls: 8, moments: 3 }
const READ = 'GET kv/data/app/db'
const WRITE = 'POST kv/data/app/db'

/** Whether it can be done, when it is due; then the run: read for the plan, read and written, and read once more. */
const CALLS = ['GET sys/internal/ui/mounts', READ, READ, READ, WRITE, READ]

/** Where the daemon stands when it dies: before it writes what to which table, and what comes of the rotation. */
const STANDING: readonly [
  label: string,
  at: readonly [table: string, statement: string],
  arm: Arm,
  state: 'finished' | 'undone',
][] = [
  ['while its run is ordered', ['rotation_turns', 'insert into rotation_turns'], ARMS.due, 'finished'],
  ['while its next moment is set', ['rotations', 'update rotations set next_at'], ARMS.looked, 'finished'],
  ['while its run is told to be done', ['ordered_runs', 'update ordered_runs set done'], ARMS.written, 'finished'],
  ['while its test begins', ['rotation_turns', 'update rotation_turns set state'], ARMS.written, 'finished'],
  ['while it is settled', ['rotation_turns', 'update rotation_turns set state'], ARMS.asked, 'finished'],
  ['while it is taken back, because its test was late', ['ordered_runs', 'update ordered_runs set undo'], ARMS.late, 'undone'],
  ['while it is told to be undone', ['ordered_runs', 'update ordered_runs set undone'], ARMS['put back'], 'undone'],
  ['while it is settled as undone', ['rotation_turns', 'update rotation_turns set state'], ARMS['put back'], 'undone'],
]

describe('a rotation is made exactly once although its daemon dies', () => {
  const stages = new Turns<RotationStage>(STAGES, setRotationStage)

  afterAll(() => stages.closeAll())

  const played = (act: (due: DueSoon) => Promise<unknown>, state: 'finished' | 'undone') => () =>
    stages.take(async (stage) => {
      const due = await dueSoon(stage)
      await act(due)
      await expectOneTurn(due, state)
    })

  for (const boundary of boundaries({ calls: CALLS })) {
    for (const [moment, death] of Object.entries(DEATHS)) {
      if (!isRun('deaths of rotations', ONE_IN.calls)) continue
      it.concurrent(`at ${boundary.label} ${moment}`, () =>
        played((due) => dieAt(due.stage, boundary, death, due.bringUp), 'finished')())
    }
  }

  for (const [label, at, arm, state] of STANDING) {
    if (!isRun('moments of rotations', ONE_IN.moments)) continue
    it.concurrent(
      label,
      played((due) => diesBefore(due, at, arm), state),
    )
  }

  it.concurrent(
    'after its receiver was asked and before it answered',
    played(async (due) => {
      const asked = Promise.withResolvers<void>()
      due.stage.receiver.reply = () => asked.resolve() // and never answers
      await due.bringUp()
      await asked.promise
      due.stage.receiver.reply = 204
      await reborn(due)
    }, 'finished'),
  )

  it.concurrent(
    'while its receiver says no, until the time of the test is over',
    played(async (due) => {
      const asked = Promise.withResolvers<void>()
      due.stage.receiver.reply = (response) => void response.writeHead(500).end(() => asked.resolve())
      await due.bringUp()
      await asked.promise
      await reborn(due)
      await waitFor('the receiver to be asked again', async () => questionsIn(due.stage).length > 1)
      await testIsLate(due)
    }, 'undone'),
  )
})
