import type { RotationTurn, TurnState } from '../contract/rotations.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { type TurnEvent, turnMachine } from './turn-machine.ts'

interface Person {
  readonly id: string
  readonly name: string
}

interface Problem {
  readonly code: string
  readonly message: string
  readonly fix?: string | undefined
}

/** One time that a rotation was due, as its row says. */
export interface Turn {
  readonly id: string
  readonly rotationId: string
  readonly rotationName: string
  readonly dueAt: Date
  readonly state: TurnState
  readonly missed: number
  readonly askedBy: Person | null
  readonly runId: string | null
  readonly problem: Problem | null
  /** its test has been asked for as long as that; null: it has not */
  readonly testedSeconds: number | null
  readonly doneBy: Person | null
  readonly note: string | null
  readonly createdAt: Date
  readonly settledAt: Date | null
}

/** Reads turns by a condition on `t`. */
export function selectTurns(tx: Tx, condition: string, values: readonly unknown[]): Promise<Turn[]> {
  return rows(
    tx,
    `select t.id, t.rotation_id as "rotationId", n.name as "rotationName", t.due_at as "dueAt", t.state, t.missed, t.run_id as "runId", t.problem, t.note,
       case when a.id is not null then json_build_object('id', a.id, 'name', a.name) end as "askedBy",
       case when d.id is not null then json_build_object('id', d.id, 'name', d.name) end as "doneBy",
       extract(epoch from clock_timestamp() - t.tested_since)::float as "testedSeconds", t.created_at as "createdAt", t.settled_at as "settledAt"
     from rotation_turns t join rotations n on n.id = t.rotation_id left join users a on a.id = t.asked_by left join users d on d.id = t.done_by where ${condition}`,
    values,
  )
}

export async function openTurn(tx: Tx, rotationId: string): Promise<Turn | undefined> {
  return (await selectTurns(tx, 't.rotation_id = $1 and t.settled_at is null', [rotationId]))[0]
}

/** A turn as it begins. `refused`: nothing was made, and that was it. */
export interface NewTurn extends Pick<Turn, 'id' | 'rotationId' | 'dueAt' | 'missed' | 'runId' | 'problem'> {
  readonly state: 'waiting' | 'running' | 'refused'
  readonly askedBy: string | null
}

export async function beginTurn(tx: Tx, turn: NewTurn): Promise<void> {
  await rows(
    tx,
    `insert into rotation_turns (id, rotation_id, due_at, state, missed, run_id, problem, asked_by, settled_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then clock_timestamp() end)`,
    [
      turn.id,
      turn.rotationId,
      turn.dueAt,
      turn.state,
      turn.missed,
      turn.runId,
      turn.problem && JSON.stringify(turn.problem),
      turn.askedBy,
      turnMachine.isFinal(turn.state),
    ],
  )
}

export interface Moved {
  readonly problem?: Problem | null
  readonly doneBy?: string
  readonly note?: string | undefined
}

/** The only update of a turn's state. False when the event means nothing in the state it is in. */
export async function moveTurn(tx: Tx, id: string, event: TurnEvent, { problem, doneBy, note }: Moved = {}): Promise<boolean> {
  const { from, to } = turnMachine.arrow(event)
  const moved = await rows(
    tx,
    `update rotation_turns set state = $3, settled_at = case when $4 then clock_timestamp() end, problem = coalesce($5, problem),
       done_by = coalesce($6, done_by), note = coalesce($7, note),
       tested_since = case when $3 = 'testing' then clock_timestamp() else tested_since end
     where id = $1 and state = any($2) returning id`,
    [id, from, to, turnMachine.isFinal(to), problem ? JSON.stringify(problem) : null, doneBy ?? null, note ?? null],
  )
  return moved.length > 0
}

export async function noteTurn(tx: Tx, id: string, problem: Problem): Promise<void> {
  await rows(tx, 'update rotation_turns set problem = $2 where id = $1 and settled_at is null', [id, JSON.stringify(problem)])
}

export function turnView(turn: Turn, runState: RotationTurn['runState']): RotationTurn {
  const { id, state, missed, problem, note } = turn
  return {
    id: id as RotationTurn['id'],
    dueAt: turn.dueAt.toISOString(),
    state,
    missed,
    askedBy: turn.askedBy as RotationTurn['askedBy'],
    runId: turn.runId as RotationTurn['runId'],
    runState,
    problem,
    doneBy: turn.doneBy as RotationTurn['doneBy'],
    note,
    createdAt: turn.createdAt.toISOString(),
    settledAt: turn.settledAt?.toISOString() ?? null,
  }
}
