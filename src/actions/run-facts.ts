import type { Json } from '../sdk/index.ts'
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
}

export const RUN_FACTS = `(
  select r.id, r.state, r.input, r.started_by as "startedBy",
    (select count(*)::int from action_steps s where s.run_id = r.id) as steps,
    (select count(*)::int from action_steps s where s.run_id = r.id and s.state = 'executed') as "stepsDone",
    exists (select from action_steps s where s.run_id = r.id and s.state not in ('planned', 'undone')) as "isLeft",
    r.state = 'failed' and r.target is not null and not exists (select from action_steps s where s.run_id = r.id) as "isForgotten"
  from action_runs r)`
