import { Injectable } from '@nestjs/common'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { SealedColumns } from '../platform/sealing/sealed-columns.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError, type Json, type Step, type TargetIdentity } from '../sdk/index.ts'
import type { HeldRun, JournaledStep, RunState } from './action-run.ts'
import { noteTarget } from './whereabouts.ts'

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

  /**
   * Takes runs into this process: from here on every write by an earlier holder is refused. With `to` it also moves them to that
   * state. Runs in none of the `from` states are left alone and absent from the answer.
   */
  async claim(tx: Tx, ids: readonly string[], from: readonly RunState[], to?: RunState): Promise<Map<string, HeldRun>> {
    // A statement that waits for a lock goes on with what it saw before: steps written meanwhile would not be in it.
    await rows(tx, 'select 1 from action_runs where id = any($1) order by id for update', [ids])
    const claimed = await rows<RunRow>(
      tx,
      `with claimed as (
         update action_runs set epoch = epoch + 1, state = coalesce($3, state), changed_at = now()
         where id = any($1) and state = any($2) returning *)
       select c.id, c.epoch, c.state, c.integration_id as "integrationId", c.action, c.input, c.target,
         coalesce((select jsonb_agg(to_jsonb(s) order by s.position) from action_steps s where s.run_id = c.id), '[]') as steps
       from claimed c`,
      [ids, from, to ?? null],
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
    await this.advance(tx, run, 'executing')
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

  /** Moves a run on, or only makes sure that it is still ours when `to` is its state. */
  async advance(tx: Tx, run: Pick<HeldRun, 'id' | 'epoch'>, to: RunState): Promise<void> {
    const moved = await rows(
      tx,
      `update action_runs set state = $3, changed_at = now(), settled_at = case when $3 in ('undone', 'failed') then now() end
       where id = $1 and epoch = $2 returning id`,
      [run.id, run.epoch, to],
    )
    if (moved.length === 0) throw fenced(run.id)
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
    await rows(
      tx,
      `update action_runs set state = 'failed', epoch = epoch + 1, changed_at = now(), settled_at = now()
       where id = any($1) and state in ('undoing', 'stuck')`,
      [ids],
    )
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

export function fenced(run: string): BrokerError {
  return new BrokerError('run.fenced', `another replica has taken over ${run}`)
}
