import type { ShownCalls } from '../actions/calls.ts'
import { RUN_FACTS, type RunFacts } from '../actions/run-facts.ts'
import { row, rows, type Tx } from '../platform/postgres/database.ts'
import type { Concern, Evidence, Step } from '../sdk/index.ts'
import type { Risk } from './risk.ts'

/** How long a target may refuse, from the first try on, before a run is given up and what was done of it is taken back. */
const PATIENCE = `interval '15 minutes'`
/** From then on a run that cannot be taken back is called stuck, and a person is told. It goes on all the same. */
const STUCK_AFTER = `interval '5 minutes'`

/** Due work of runs. Its subject is the run. */
export const RUN_WORK = { execute: 'run.execute', undo: 'run.undo' } as const

/** A step as people may see it. */
export type PlannedStep = Pick<Step, 'kind' | 'target' | 'summary' | 'args' | 'before'>

interface Person {
  readonly id: string
  readonly name: string
}

/** What was read back of a target. */
export interface ReadBack {
  /** RFC 3339 */
  readonly at: string
  readonly evidence: readonly Evidence[]
  /** by which it was done, or undone; absent in what an older release wrote */
  readonly calls?: ShownCalls
}

export interface Problem {
  readonly code: string
  readonly message: string
  readonly fix?: string | undefined
}

/** A run of an action that somebody ordered, as its own row and the journal's say. */
export interface OrderedRun extends RunFacts {
  readonly id: string
  readonly integrationId: string
  readonly plugin: string
  /** its integration was removed */
  readonly isOrphaned: boolean
  readonly action: string
  readonly reason: string
  readonly orderedBy: Person | null
  /** who had the distribution made that it belongs to */
  readonly onBehalfOf: string | null
  readonly requestId: string | null
  /** the plan that was approved or accepted; null: nobody was asked */
  readonly approved: readonly PlannedStep[] | null
  readonly risk: Risk
  readonly concerns: readonly Concern[]
  /** names of what it changes that others may change as well */
  readonly writes: readonly string[]
  readonly undoIfUnverified: boolean
  readonly done: ReadBack | null
  readonly problem: Problem | null
  /** why it failed while it was being done; it stays, whatever is undone of it */
  readonly failure: Problem | null
  /** it has been tried for too long */
  readonly isLate: boolean
  /** it should have been taken back by now */
  readonly isOverdue: boolean
  readonly cancel: { readonly by: string; readonly byName: string | null; readonly at: string } | null
  readonly undo: {
    readonly by: string | null
    readonly byName: string | null
    readonly reason: string
    readonly at: string
  } | null
  readonly undone: ReadBack | null
  readonly createdAt: Date
}

/** Whether there is anything that can be undone: it was done, or it failed and something of it may be in the target. */
export function isThere({ state, isLeft, isOrphaned }: Pick<OrderedRun, 'state' | 'isLeft' | 'isOrphaned'>): boolean {
  return !isOrphaned && (state === 'executed' || (state === 'failed' && isLeft))
}

/** What distributions may know of their runs: to be joined in their SQL as `join ${ORDERED_FACTS} o on o.id = …`. */
export const ORDERED_FACTS = `(select id, undo, problem, writes, created_at as "createdAt",
   coalesce((select bool_and(piece -> 'wasUntouched' = 'true') from jsonb_array_elements(undone -> 'evidence') piece), false) as "wroteNothing"
   from ordered_runs)`

/** The row of a run's owner is locked first, always. */
export async function lockOrdered(tx: Tx, ids: readonly string[]): Promise<void> {
  await rows(tx, 'select 1 from ordered_runs where id = any($1) order by id for update', [ids])
}

export async function lockRun(tx: Tx, id: string): Promise<OrderedRun | undefined> {
  await lockOrdered(tx, [id])
  return (await selectRuns(tx, 'o.id = $1', [id]))[0]
}

export async function findRun(tx: Tx, id: string): Promise<OrderedRun | undefined> {
  return (await selectRuns(tx, 'o.id = $1', [id]))[0]
}

/** Reads runs by a condition on `o` (the order) and `r` (the run). */
export function selectRuns(tx: Tx, condition: string, values: readonly unknown[]): Promise<OrderedRun[]> {
  return rows(
    tx,
    `select o.id, o.integration_id as "integrationId", i.plugin, o.action, r.state, r.input, r."startedBy", r.steps, r."stepsDone", r."isLeft", r."isForgotten", r.target, i.state = 'removed' as "isOrphaned",
       o.reason, case when u.id is not null then json_build_object('id', u.id, 'name', u.name) end as "orderedBy",
       o.request_id as "requestId", o.on_behalf_of as "onBehalfOf", o.approved, o.risk, o.concerns, o.writes, o.undo_if_unverified as "undoIfUnverified", o.done, o.problem, o.failure, coalesce(o.first_tried_at < clock_timestamp() - ${PATIENCE}, false) as "isLate",
       coalesce((o.undo ->> 'at')::timestamptz < clock_timestamp() - ${STUCK_AFTER}, false) as "isOverdue",
       case when o.cancel is not null then o.cancel || jsonb_build_object('byName', c.name) end as cancel,
       case when o.undo is not null then o.undo || jsonb_build_object('byName', b.name) end as undo,
       o.undone, o.created_at as "createdAt"
     from ordered_runs o join ${RUN_FACTS} r on r.id = o.id join integrations i on i.id = o.integration_id
     left join users u on u.id = o.ordered_by left join users b on b.id = o.undo ->> 'by'
     left join users c on c.id = o.cancel ->> 'by'
     where ${condition}`,
    values,
  )
}

/** A JSON parameter with the moment in it, by the database's clock. */
export function stamped(parameter: `$${number}`): string {
  return `(${parameter}::jsonb || jsonb_build_object('at', to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`
}

/** Writes down what stands in the way of a run, or why it failed. */
export async function noteProblem(tx: Tx, id: string, problem: Problem | null): Promise<void> {
  await row(tx, 'update ordered_runs set problem = $2 where id = $1', [id, problem && JSON.stringify(problem)])
}

/** Writes down of what it failed. Later problems are those of undoing it. */
export async function noteFailure(tx: Tx, id: string, failure: Problem): Promise<void> {
  await row(tx, 'update ordered_runs set failure = coalesce(failure, $2) where id = $1', [id, JSON.stringify(failure)])
}
