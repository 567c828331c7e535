import { Injectable } from '@nestjs/common'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { digestsOf } from '../platform/sealing/digests.ts'
import { SealedColumns } from '../platform/sealing/sealed-columns.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError, type Json, parseJson, type Secret, type Step, type TargetIdentity } from '../sdk/index.ts'
import type { HeldRun, JournaledStep, Mark } from './action-run.ts'
import { type Call, WITH_CALLS } from './calls.ts'
import type { RunState } from './run-machine.ts'
import { fenced, move, transition } from './transition.ts'

/** A step as people may see it: neither what is sealed nor what its undo needs. */
export type ShownStep = Pick<JournaledStep, 'kind' | 'target' | 'summary' | 'args' | 'before' | 'state' | 'calls'> & {
  readonly changedAt: Date
}

type StepRow = Pick<JournaledStep, 'kind' | 'target' | 'summary' | 'args' | 'position' | 'state'> & {
  readonly before: Json
  readonly record: Json
  readonly sealed: string | null
  readonly confers_power: boolean | null
  readonly calls: readonly Call[] | null
}

/** What a run is to be. */
export interface RunOrder {
  readonly id: string
  readonly integrationId: string
  readonly action: string
  /** as people may see it */
  readonly input: Json
  /** the whole input as JSON, where there is a secret in it: sealed, and erased once it is planned */
  readonly secretInput?: Secret
  /** a person, a schedule, or the run that this one is a part of */
  readonly startedBy: { readonly kind: 'person' | 'schedule' | 'run' | 'distribution'; readonly id: string }
  /** of one action of one integration: the same key again is the same run */
  readonly idempotencyKey?: string
}

interface RunRow {
  id: string
  epoch: string
  state: RunState
  integrationId: string
  action: string
  input: Json
  target: TargetIdentity | null
  sealedInput: string | null
  steps: StepRow[]
}

const place = (run: string, position: number) => ({ table: 'action_steps', row: `${run}/${position}`, column: 'sealed' })
const placeOfInput = (run: string) => ({ table: 'action_runs', row: run, column: 'sealed_input' })

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
    columns.hold({
      table: 'action_runs',
      column: 'sealed_input',
      key: { id: 'text' },
      place: (row) => placeOfInput(String(row['id'])),
      lasting: false,
    })
  }

  /**
   * Notes down that an action is to run; nothing is planned yet. Answers the run, which is an earlier one where the idempotency key has
   * been used with the same input; with another input that is a `conflict`.
   */
  async open(tx: Tx, order: RunOrder): Promise<{ id: string; isNew: boolean }> {
    const { id, integrationId, action, input, secretInput, startedBy, idempotencyKey: key } = order
    const digests =
      key === undefined ? [] : digestsOf(this.sealer, 'input of a run', secretInput ? parseJson(secretInput.reveal()) : input)
    const opened = await rows(
      tx,
      `insert into action_runs (id, integration_id, action, input, sealed_input, started_by, parent_run, idempotency_key, input_digest)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict on constraint action_runs_once_for_each_order do nothing returning id`,
      [
        id,
        integrationId,
        action,
        JSON.stringify(input),
        secretInput ? this.sealer.seal(secretInput, placeOfInput(id)) : null,
        JSON.stringify(startedBy),
        startedBy.kind === 'run' ? startedBy.id : null,
        key ?? null,
        digests[0] ?? null,
      ],
    )
    if (opened.length > 0) return { id, isNew: true }
    const [earlier] = await rows<{ id: string; digest: string }>(
      tx,
      `select id, input_digest as digest from action_runs where integration_id = $1 and action = $2 and idempotency_key = $3`,
      [integrationId, action, key],
    )
    if (earlier && digests.includes(earlier.digest)) return { id: earlier.id, isNew: false }
    throw new BrokerError('conflict', `the idempotency key was already used for ${earlier?.id}, with a different input`, {
      field: 'idempotencyKey',
      fix: 'use a new key for a new run',
    })
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
         c.sealed_input as "sealedInput",
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
          sealedInput: run.sealedInput === null ? undefined : this.sealer.open(run.sealedInput, placeOfInput(run.id)),
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
      `insert into action_steps (run_id, position, kind, target, summary, args, before, sealed, confers_power)
       select $1, position, kind, target, summary, args, before, sealed, "confersPower"
       from jsonb_to_recordset($2::jsonb)
         as s (position int, kind text, target text, summary text, args jsonb, before jsonb, sealed text, "confersPower" boolean)`,
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
        calls: [],
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
  async mark(tx: Tx, steps: readonly Mark[], state: JournaledStep['state']): Promise<void> {
    await rows(
      tx,
      `update action_steps s set state = $2, record = coalesce(m.record, s.record), changed_at = now(),
         sealed = case when $2 = 'undone' then null else s.sealed end, calls = ${WITH_CALLS}
       from jsonb_to_recordset($1::jsonb) as m (run text, position int, record jsonb, try text, calls jsonb)
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

  /** Runs that are not undone and will not be: a process that holds one is refused from here on. */
  async giveUp(tx: Tx, ids: readonly string[]): Promise<void> {
    await transition(tx, ids, 'give_up')
    await rows(tx, 'update action_steps set sealed = null where run_id = any($1)', [ids])
  }

  /** The same where a person may still have them undone. What a step does not say of its effect, its seal may have to. */
  async giveUpForNow(tx: Tx, ids: readonly string[]): Promise<void> {
    await transition(tx, ids, 'give_up')
    await rows(tx, 'update action_steps set sealed = null where run_id = any($1) and record is not null', [ids])
  }

  /** What was sealed with the steps was for doing them: of a run that is done, nothing of it is kept. */
  async forgetSealed(tx: Tx, run: string): Promise<void> {
    await rows(tx, 'update action_steps set sealed = null where run_id = $1', [run])
  }

  /** The steps of a run as its action is given them. */
  async steps(tx: Tx, run: string): Promise<JournaledStep[]> {
    return (await this.stepsOfAll(tx, [run])).get(run) ?? []
  }

  /** The same of several runs; those without steps are left out. */
  async stepsOfAll(tx: Tx, runs: readonly string[]): Promise<ReadonlyMap<string, JournaledStep[]>> {
    const found = await rows<StepRow & { readonly run: string }>(
      tx,
      `select run_id as run, position, kind, target, summary, args, before, state, record, sealed, confers_power, calls from action_steps
       where run_id = any($1) order by run_id, position`,
      [runs],
    )
    const steps = new Map<string, JournaledStep[]>()
    for (const { run, ...step } of found) steps.set(run, [...(steps.get(run) ?? []), this.stepOf(run, step)])
    return steps
  }

  /** The same as people may see them. */
  async shown(tx: Tx, run: string): Promise<ShownStep[]> {
    return rows<ShownStep>(
      tx,
      `select kind, target, summary, args, before, state, coalesce(calls, '[]') as calls, changed_at as "changedAt" from action_steps where run_id = $1 order by position`,
      [run],
    )
  }

  private stepOf(
    run: string,
    { position, kind, target, summary, args, before, state, record, sealed, confers_power, calls }: StepRow,
  ): JournaledStep {
    return {
      position,
      kind,
      target,
      summary,
      args,
      state,
      record: record ?? undefined,
      calls: calls ?? [],
      ...(before !== null && { before }),
      ...(sealed !== null && { sealed: this.sealer.open(sealed, place(run, position)) }),
      ...(confers_power !== null && { confersPower: confers_power }),
    }
  }
}

/** Keeps which system it was, for runs that do not say so yet: theirs is the one where they were found. */
export async function noteTarget(tx: Tx, runs: readonly string[], now: TargetIdentity | undefined): Promise<void> {
  if (!now || runs.length === 0) return
  await rows(tx, 'update action_runs set target = $2 where id = any($1) and target is null', [runs, JSON.stringify(now)])
}

/** Retention's statement about the steps of runs that are long over. */
export const FORGET_STEPS = `delete from action_steps where ctid = any(array(
  select s.ctid from action_steps s join action_runs r on r.id = s.run_id
  where r.state in ('undone', 'failed') and r.settled_at < clock_timestamp() - make_interval(days => $1) limit $2)) returning 1`
