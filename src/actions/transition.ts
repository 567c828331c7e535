import { rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import type { HeldRun } from './action-run.ts'
import { type RunEvent, type RunState, runMachine } from './run-machine.ts'

/** These take a run away from its holder. */
const FENCES: ReadonlySet<RunEvent> = new Set(['undo', 'give_up', 'take_back'])
/** In these a run changes nothing in its target. */
const AT_REST: ReadonlySet<RunState> = new Set(['executed', 'undone', 'failed'])
/** From then on it is counted how long the steps of a run are kept. */
const SETTLED: ReadonlySet<RunState> = new Set(['undone', 'failed'])

/**
 * Moves runs: whether the event means anything is for the machine to say. Answers those that it moved. A run that rests lets its
 * resources go. Its row is held first, so that none is taken for it meanwhile.
 */
export async function transition(tx: Tx, ids: readonly string[], event: RunEvent): Promise<string[]> {
  if (AT_REST.has(runMachine.arrow(event).to)) {
    await rows(tx, 'select 1 from action_runs where id = any($1) order by id for update', [ids])
  }
  return moveHeld(tx, ids, event)
}

/** The only update of a run's state. What was sealed of the input was for the plan. */
async function moveHeld(tx: Tx, ids: readonly string[], event: RunEvent): Promise<string[]> {
  const { from, to } = runMachine.arrow(event)
  const moved = await rows<{ id: string }>(
    tx,
    `with moved as (
       update action_runs set state = $3, changed_at = now(), epoch = epoch + $4, sealed_input = null,
         settled_at = case when $5 then now() end
       where id = any($1) and state = any($2) returning id),
     let_go as (
       delete from action_locks where $6 and run_id in (select id from moved))
     select id from moved`,
    [ids, from, to, FENCES.has(event) ? 1 : 0, SETTLED.has(to), AT_REST.has(to)],
  )
  return moved.map(({ id }) => id)
}

/** The same for a run that this process holds. Throws `run.fenced` once somebody else does, or something else has happened to it. */
export async function move(tx: Tx, run: Pick<HeldRun, 'id' | 'epoch'>, event: RunEvent): Promise<void> {
  const ours = await rows(tx, 'select 1 from action_runs where id = $1 and epoch = $2 for update', [run.id, run.epoch])
  if (ours.length === 0 || (await moveHeld(tx, [run.id], event)).length === 0) throw fenced(run.id)
}

export function fenced(run: string): BrokerError {
  return new BrokerError('run.fenced', `another replica has taken over ${run}`)
}
