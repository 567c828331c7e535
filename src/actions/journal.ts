import { Injectable } from '@nestjs/common'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { SealedColumns } from '../platform/sealing/sealed-columns.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError, type Json, type Step, type TargetIdentity } from '../sdk/index.ts'
import type { HeldRun, JournaledStep } from './action-run.ts'
import { type RunEvent, type RunState, runMachine } from './run-machine.ts'

/** Names one step of one run. */
export interface StepRef {
  readonly run: string
  readonly position: number
}

/** A step as people may see it: neither what is sealed nor what its undo needs. */
export type ShownStep = Pick<JournaledStep, 'kind' | 'target' | 'summary' | 'args' | 'state'> & { readonly changedAt: Date }

type StepRow = Pick<JournaledStep, 'kind' | 'target' | 'summary' | 'args' | 'position' | 'state'> & {
  readonly record: Json
  readonly sealed: string | null
  readonly confers_power: boolean | null
}

interface RunRow {
  id: string
  epoch: string
  state: RunState
  integrationId: string
  action: string
  input: Json
  target: TargetIdentity | null
  steps: StepRow[]
}

const place = (run: string, position: number) => ({ table: 'action_steps', row: `${run}/${position}`, column: 'sealed' })

/** What was intended and what happened, written before and after each effect. Every write happens in the caller's transaction. */
@Injectable()
export class Journal {
  constructor(
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const key = { run_id: 'text', position: 'int' } as const
    const placeOf = (row: Readonly<Record<string, unknown>>) => place(String(row['run_id']), Number(row['position']))
    columns.hold({ table: 'action_steps', column: 'sealed', key, place: placeOf, lasting: false })
  }

  /** Notes down that an action is to run; nothing is planned yet. */
  async open(tx: Tx, run: { id: string; integrationId: string; action: string; input: Json }): Promise<void> {
    await rows(tx, 'insert into action_runs (id, integration_id, action, input) values ($1, $2, $3, $4)', [
      run.id,
      run.integrationId,
      run.action,
      JSON.stringify(run.input),
    ])
  }

  /** Takes runs into this process: from here on every write by an earlier holder is refused. Runs in none of the states are absent from the answer. */
  async claim(tx: Tx, ids: readonly string[], from: readonly RunState[]): Promise<Map<string, HeldRun>> {
    // A statement that waits for a lock goes on with what it saw before: steps written meanwhile would not be in it.
    await rows(tx, 'select 1 from action_runs where id = any($1) order by id for update', [ids])
    const claimed = await rows<RunRow>(
      tx,
      `with claimed as (
         update action_runs set epoch = epoch + 1, changed_at = now()
         where id = any($1) and state = any($2) returning *)
       select c.id, c.epoch, c.state, c.integration_id as "integrationId", c.action, c.input, c.target,
         coalesce((select jsonb_agg(to_jsonb(s) order by s.position) from action_steps s where s.run_id = c.id), '[]') as steps
       from claimed c`,
      [ids, from],
    )
    return new Map(
      claimed.map((run) => [
        run.id,
        {
          ...run,
          target: run.target ?? undefined,
          steps: run.steps.map((step) => this.stepOf(run.id, step)),
        },
      ]),
    )
  }

  /** Writes down the plan and for which system it is. The run must still be ours. */
  async plan(tx: Tx, run: HeldRun, steps: readonly Step[], target?: TargetIdentity): Promise<HeldRun> {
    await move(tx, run, 'plan')
    await noteTarget(tx, [run.id], target)
    const planned = steps.map((step, position) => ({
      ...step,
      position,
      confersPower: step.confersPower ?? false,
      sealed: step.sealed ? this.sealer.seal(step.sealed, place(run.id, position)) : null,
    }))
    await rows(
      tx,
      `insert into action_steps (run_id, position, kind, target, summary, args, sealed, confers_power)
       select $1, position, kind, target, summary, args, sealed, "confersPower"
       from jsonb_to_recordset($2::jsonb)
         as s (position int, kind text, target text, summary text, args jsonb, sealed text, "confersPower" boolean)`,
      [run.id, JSON.stringify(planned)],
    )
    return {
      ...run,
      state: 'executing',
      target,
      steps: steps.map((step, position) => ({
        ...step,
        position,
        confersPower: step.confersPower ?? false,
        state: 'planned',
        record: undefined,
      })),
    }
  }

  /** Makes sure that a run is still ours while it executes; locks it until the transaction ends. */
  async hold(tx: Tx, run: Pick<HeldRun, 'id' | 'epoch'>): Promise<void> {
    const held = await rows(tx, `select 1 from action_runs where id = $1 and epoch = $2 and state = 'executing' for update`, [
      run.id,
      run.epoch,
    ])
    if (held.length === 0) throw fenced(run.id)
  }

  /** Moves steps on without asking whose the run is: call it in a transaction that has asked. */
  async mark(tx: Tx, steps: readonly (StepRef & { record?: Json | undefined })[], state: JournaledStep['state']): Promise<void> {
    await rows(
      tx,
      `update action_steps s set state = $2, record = coalesce(m.record, s.record), changed_at = now(),
         sealed = case when $2 = 'undone' then null else s.sealed end
       from jsonb_to_recordset($1::jsonb) as m (run text, position int, record jsonb)
       where s.run_id = m.run and s.position = m.position`,
      [JSON.stringify(steps), state],
    )
  }

  /** Of many runs, those that are still ours; locks them until the transaction ends. */
  async stillOurs(tx: Tx, runs: readonly Pick<HeldRun, 'id' | 'epoch'>[]): Promise<Set<string>> {
    const ours = await rows<{ id: string }>(
      tx,
      `select r.id from action_runs r
       join jsonb_to_recordset($1::jsonb) as h (id text, epoch bigint) on r.id = h.id and r.epoch = h.epoch
       order by r.id for update of r`,
      [JSON.stringify(runs.map(({ id, epoch }) => ({ id, epoch })))],
    )
    return new Set(ours.map((run) => run.id))
  }

  /** Runs that are not undone and will not be: whoever holds one is refused from here on. */
  async giveUp(tx: Tx, ids: readonly string[]): Promise<void> {
    await transition(tx, ids, 'give_up')
    await rows(tx, 'update action_steps set sealed = null where run_id = any($1)', [ids])
  }

  /** The steps of a run as its action is given them. */
  async steps(tx: Pick<Tx, 'query'>, run: string): Promise<JournaledStep[]> {
    const found = await rows<StepRow>(
      tx,
      `select position, kind, target, summary, args, state, record, sealed, confers_power from action_steps
       where run_id = $1 order by position`,
      [run],
    )
    return found.map((step) => this.stepOf(run, step))
  }

  /** The same as people may see them. */
  async shown(tx: Pick<Tx, 'query'>, run: string): Promise<ShownStep[]> {
    return rows<ShownStep>(
      tx,
      `select kind, target, summary, args, state, changed_at as "changedAt" from action_steps where run_id = $1 order by position`,
      [run],
    )
  }

  private stepOf(
    run: string,
    { position, kind, target, summary, args, state, record, sealed, confers_power }: StepRow,
  ): JournaledStep {
    return {
      position,
      kind,
      target,
      summary,
      args,
      state,
      record: record ?? undefined,
      ...(sealed !== null && { sealed: this.sealer.open(sealed, place(run, position)) }),
      ...(confers_power !== null && { confersPower: confers_power }),
    }
  }
}

/** The only update of a run's state: whether the event means anything is for the machine to say. Answers the runs that it moved. */
export async function transition(tx: Tx, ids: readonly string[], event: RunEvent): Promise<string[]> {
  const { from, to } = runMachine.arrow(event)
  const moved = await rows<{ id: string }>(
    tx,
    `update action_runs set state = $3, changed_at = now(), epoch = epoch + $4,
       settled_at = case when $5 then now() else settled_at end
     where id = any($1) and state = any($2) returning id`,
    [ids, from, to, FENCES.has(event) ? 1 : 0, runMachine.isFinal(to)],
  )
  return moved.map(({ id }) => id)
}

/** These take a run away from whoever holds it. */
const FENCES: ReadonlySet<RunEvent> = new Set(['undo', 'give_up'])

/** The same for a run that this process holds. Throws `run.fenced` once somebody else does, or something else has happened to it. */
export async function move(tx: Tx, run: Pick<HeldRun, 'id' | 'epoch'>, event: RunEvent): Promise<void> {
  const ours = await rows(tx, 'select 1 from action_runs where id = $1 and epoch = $2 for update', [run.id, run.epoch])
  if (ours.length === 0 || (await transition(tx, [run.id], event)).length === 0) throw fenced(run.id)
}

/** Of these runs, those that may have something in their target. */
export async function liveAmong(tx: Pick<Tx, 'query'>, ids: readonly string[]): Promise<Set<string>> {
  const live = await rows<{ id: string }>(
    tx,
    `select id from action_runs where id = any($1) and state not in ('undone', 'failed')`,
    [ids],
  )
  return new Set(live.map(({ id }) => id))
}

/** Whether a run is on its way back, has been taken back, or was given up: nothing may be done for it any more. */
export async function isOver(tx: Pick<Tx, 'query'>, id: string): Promise<boolean> {
  const back = await rows(tx, `select 1 from action_runs where id = $1 and state in ('undoing', 'undone', 'stuck', 'failed')`, [
    id,
  ])
  return back.length > 0
}

/** The system that each run was made in, where that is recorded. */
export async function targetsOf(tx: Pick<Tx, 'query'>, runs: readonly string[]): Promise<Map<string, TargetIdentity>> {
  const found = await rows<{ id: string; target: TargetIdentity }>(
    tx,
    'select id, target from action_runs where id = any($1) and target is not null',
    [runs],
  )
  return new Map(found.map(({ id, target }) => [id, target]))
}

/** Keeps which system it was, for runs that do not say so yet: theirs is the one where they were found. */
export async function noteTarget(tx: Pick<Tx, 'query'>, runs: readonly string[], now: TargetIdentity | undefined): Promise<void> {
  if (!now || runs.length === 0) return
  await rows(tx, 'update action_runs set target = $2 where id = any($1) and target is null', [runs, JSON.stringify(now)])
}

/** Retention's statement about the steps of runs that are long over. */
export const FORGET_STEPS = `delete from action_steps where ctid = any(array(
  select s.ctid from action_steps s join action_runs r on r.id = s.run_id
  where r.state in ('undone', 'failed') and r.settled_at < clock_timestamp() - make_interval(days => $1) limit $2)) returning 1`

export function fenced(run: string): BrokerError {
  return new BrokerError('run.fenced', `another replica has taken over ${run}`)
}
