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
      problem: run.problem?.message,
      fix: run.problem?.fix,
      'taken back': run.undo && `${run.undo.by?.name ?? 'by the broker'}, because ${run.undo.reason}`,
      'taken back at': run.undoneAt,
    }),
    ...(run.undoable ? [`latchkey rollback ${run.id} --reason …`] : []),
    ...(run.doneAt ? [`latchkey receipt ${run.id}`] : []),
  ]
}
