import { rows, type Tx } from '../platform/postgres/database.ts'
import type { Json, TargetIdentity } from '../sdk/index.ts'
import type { RunState } from './run-machine.ts'

/** What other rooms may know of a run: to be joined in their SQL as `join ${RUN_FACTS} r on r.id = …`. */
export interface RunFacts {
  readonly state: RunState
  /** as people may see it */
  readonly input: Json
  readonly startedBy: { readonly kind: 'person' | 'schedule' | 'run' | 'distribution'; readonly id: string }
  /** of its plan; 0 until it is planned */
  readonly steps: number
  readonly stepsDone: number
  /** something of it may be in its target */
  readonly isLeft: boolean
  /** it failed, and its steps are kept no longer: nobody knows whether something of it is in its target */
  readonly isForgotten: boolean
  /** the system it was planned in; null: it was not planned, or its plugin cannot tell */
  readonly target: TargetIdentity | null
}

export const RUN_FACTS = `(
  select r.id, r.state, r.input, r.target, r.started_by as "startedBy",
    (select count(*)::int from action_steps s where s.run_id = r.id) as steps,
    (select count(*)::int from action_steps s where s.run_id = r.id and s.state = 'executed') as "stepsDone",
    exists (select from action_steps s where s.run_id = r.id and s.state not in ('planned', 'undone')) as "isLeft",
    r.state = 'failed' and r.target is not null and not exists (select from action_steps s where s.run_id = r.id) as "isForgotten"
  from action_runs r)`

/** Of these runs, those that may have something in their target. */
export async function liveAmong(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const live = await rows<{ id: string }>(
    tx,
    `select id from action_runs where id = any($1) and state not in ('undone', 'failed')`,
    [ids],
  )
  return new Set(live.map(({ id }) => id))
}

/** Whether a run is on its way back, has been taken back, or was given up: nothing may be done for it any more. */
export async function isOver(tx: Tx, id: string): Promise<boolean> {
  const back = await rows(tx, `select 1 from action_runs where id = $1 and state in ('undoing', 'undone', 'stuck', 'failed')`, [
    id,
  ])
  return back.length > 0
}

/** The system that each run was made in, where that is recorded. */
export async function targetsOf(tx: Tx, runs: readonly string[]): Promise<Map<string, TargetIdentity>> {
  const found = await rows<{ id: string; target: TargetIdentity }>(
    tx,
    'select id, target from action_runs where id = any($1) and target is not null',
    [runs],
  )
  return new Map(found.map(({ id, target }) => [id, target]))
}
