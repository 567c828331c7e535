import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { hasUndo, knownAction } from '../actions/action-of.ts'
import { shownCalls } from '../actions/calls.ts'
import { Journal } from '../actions/journal.ts'
import { targetsOf } from '../actions/run-facts.ts'
import { Catalog } from '../catalog/catalog.ts'
import { formOf } from '../catalog/entry.ts'
import type { Page } from '../contract/lists.ts'
import type { ChangeReceipt, OfferedAction, RunQuery, RunView } from '../contract/runs.ts'
import { type Caller, seesAll } from '../identity/callers/caller.ts'
import { Cursors } from '../platform/http/cursors.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { type AnyAction, BrokerError, isReversible, type TargetIdentity } from '../sdk/index.ts'
import { findRun, isThere, type OrderedRun, type ReadBack, selectRuns } from './ordered-run.ts'

const LATEST_FIRST = { list: 'runs', position: z.string() }

/** What people see of runs. */
@Injectable()
export class RunViews {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly journal: Journal,
    private readonly cursors: Cursors,
  ) {}

  async one(id: string, tx?: Tx): Promise<RunView> {
    return this.view(await this.find(id, tx))
  }

  async get(caller: Caller, id: string): Promise<RunView> {
    return this.view(await this.visible(caller, id))
  }

  /** Of those who run or check the broker all, and one's own. */
  private async visible(caller: Caller, id: string): Promise<OrderedRun> {
    const run = await findRun(this.database.pool, id)
    if (!run || !(seesAll(caller) || run.orderedBy?.id === caller.id)) throw noSuchRun(id)
    return run
  }

  async find(id: string, tx: Tx = this.database.pool): Promise<OrderedRun> {
    const run = await findRun(tx, id)
    if (!run) throw noSuchRun(id)
    return run
  }

  async list(query: RunQuery): Promise<Page<RunView>> {
    const after = this.cursors.read(LATEST_FIRST, query.cursor)
    const found = await selectRuns(
      this.database.pool,
      `($1::text is null or o.id < $1) and ($2::text is null or r.state = $2) and ($3::text is null or o.integration_id = $3)
       order by o.id desc limit $4`,
      [after ?? null, query.state ?? null, query.integration ?? null, query.limit + 1],
    )
    return this.cursors.page(
      LATEST_FIRST,
      found,
      query.limit,
      (run) => run.id,
      (run) => this.view(run),
    )
  }

  async steps(caller: Caller, id: string) {
    await this.visible(caller, id)
    const steps = await this.journal.shown(this.database.pool, id)
    return steps.map(({ changedAt, before, calls, ...step }) => ({
      ...step,
      calls: shownCalls(calls),
      before: before ?? null,
      changedAt: changedAt.toISOString(),
    }))
  }

  /** What it changed, and how that was read back, as far as it has come. */
  async receipt(caller: Caller, id: string): Promise<ChangeReceipt> {
    const run = await this.visible(caller, id)
    const target = (await targetsOf(this.database.pool, [id])).get(id)
    const steps = await this.journal.shown(this.database.pool, id)
    return {
      run: id as ChangeReceipt['run'],
      action: run.action,
      integrationId: run.integrationId as ChangeReceipt['integrationId'],
      state: run.state,
      reason: run.reason,
      orderedBy: run.orderedBy as ChangeReceipt['orderedBy'],
      orderedAt: run.createdAt.toISOString(),
      before: steps.map(({ target: what, summary, before }) => ({ target: what, summary, before: before ?? null })),
      failure: run.failure,
      done: shown(run.done, target),
      undo: undoOf(run),
      problem: run.problem,
      undone: shown(run.undone, target),
      calls: steps.flatMap(({ calls }) => shownCalls(calls)),
    }
  }

  private view(run: OrderedRun): RunView {
    const reversible = hasUndo(this.catalog, run)
    return {
      id: run.id as RunView['id'],
      integrationId: run.integrationId as RunView['integrationId'],
      action: run.action,
      title: knownAction(this.catalog, run)?.title ?? run.action,
      state: run.state,
      input: run.input,
      reason: run.reason,
      orderedBy: run.orderedBy as RunView['orderedBy'],
      startedBy: run.startedBy,
      reversible,
      undoable: reversible && isThere(run),
      risk: { level: run.risk.level, reasons: [...run.risk.reasons] },
      concerns: [...run.concerns],
      progress: { done: run.stepsDone, of: run.steps === 0 ? null : run.steps },
      problem: run.problem,
      failure: run.failure,
      cancelled: run.cancel && { by: { id: run.cancel.by as `usr_${string}`, name: run.cancel.byName ?? '' }, at: run.cancel.at },
      undo: undoOf(run),
      createdAt: run.createdAt.toISOString(),
      doneAt: run.done?.at ?? null,
      undoneAt: run.undone?.at ?? null,
    }
  }
}

function noSuchRun(id: string): BrokerError {
  return new BrokerError('not_found', `there is no run ${id}`)
}

function undoOf(run: OrderedRun): RunView['undo'] {
  return (
    run.undo && {
      by: run.undo.by === null ? null : { id: run.undo.by as `usr_${string}`, name: run.undo.byName ?? '' },
      reason: run.undo.reason,
      at: run.undo.at,
    }
  )
}

export function offeredView(action: AnyAction<unknown>): OfferedAction {
  return {
    name: action.name,
    title: action.title,
    description: action.description ?? null,
    severity: action.severity ?? 'medium',
    input: formOf(action.input),
    ...(isReversible(action) ? { reversible: true } : { reversible: false, irreversible: action.irreversible }),
  }
}

function shown(readBack: ReadBack | null, target: TargetIdentity | undefined): ChangeReceipt['done'] {
  if (!readBack) return null
  return {
    at: readBack.at,
    target: target ? { ...target } : null,
    evidence: readBack.evidence.map(({ artefact, holds, observed, requestId, requestIdBy, correlationId, at }) => ({
      artefact,
      holds,
      observed,
      requestId: requestId ?? null,
      requestIdBy: requestIdBy ?? null,
      correlationId: correlationId ?? null,
      at,
    })),
    calls: [...(readBack.calls ?? [])],
  }
}
