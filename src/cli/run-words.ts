import type { RunView } from '../contract/runs.ts'
import { facts } from './lines.ts'

/** A run for people: what it is, how it stands and what comes next. */
export function runInWords(run: RunView): string[] {
  return [
    ...facts({
      run: run.id,
      what: run.title,
      state: run.state,
      because: run.reason,
      'ordered by': run.orderedBy?.name ?? run.startedBy.kind,
      risk: run.risk.level,
      done: run.doneAt,
      'failed because': isSaidAlready(run) ? null : run.failure?.message,
      problem: run.problem?.message,
      fix: run.problem?.fix ?? run.failure?.fix,
      [undoWords(run.state).toLowerCase()]: run.undo && `by ${run.undo.by?.name ?? 'the broker'}, because ${run.undo.reason}`,
      'taken back at': run.undoneAt,
    }),
    ...(run.undoable ? [`latchkey rollback ${run.id} --reason …`] : []),
    ...(run.doneAt || run.undoable ? [`latchkey receipt ${run.id}`] : []),
  ]
}

/** What came of somebody's wish to have it taken back. */
export function undoWords(state: RunView['state']): string {
  if (state === 'undone') return 'Taken back'
  return state === 'undoing' || state === 'stuck' ? 'Being taken back' : 'Not taken back; it was to be'
}

/** Why it failed is what stands in its way. */
export function isSaidAlready({ failure, problem }: Pick<RunView, 'failure' | 'problem'>): boolean {
  return failure?.message === problem?.message
}
