import { runs } from '../../contract/endpoints/runs.ts'
import type { ChangeReceipt } from '../../contract/runs.ts'
import { type ApiOptions, show } from '../api-command.ts'
import { facts, plain, table } from '../lines.ts'
import { isSaidAlready, undoWords } from '../run-words.ts'
import type { Terminal } from '../terminal.ts'

/** What a run changed: what was there before, and what was read back afterwards. */
export async function changeReceipt(terminal: Terminal, id: string, options: ApiOptions): Promise<void> {
  await show(
    terminal,
    options,
    (api) => api.call(runs.receipt, { params: { id } }),
    ({ run, action, state, reason, orderedBy, orderedAt, before, failure, done, undo, problem, undone, calls }) => [
      ...facts({ run, action, state, because: reason, 'ordered by': orderedBy?.name, ordered: orderedAt }),
      '',
      'Before:',
      ...before.map((one) => plain(`${one.target}: ${JSON.stringify(one.before)}`)),
      ...(failure ? ['', plain(`Failed because ${failure.message}`)] : []),
      ...readBack('Done', done),
      ...(done || calls.length === 0 ? [] : ['', 'Sent, and not read back as done:', ...calls.map(callLine)]),
      ...(undo ? ['', plain(`${undoWords(state)} by ${undo.by?.name ?? 'the broker'}, because ${undo.reason}`)] : []),
      ...(problem && !isSaidAlready({ failure, problem }) ? [plain(`It stands in the way: ${problem.message}`)] : []),
      ...readBack('Taken back', undone),
    ],
  )
}

function readBack(heading: string, found: ChangeReceipt['done']): string[] {
  if (!found) return []
  return [
    '',
    `${heading} ${found.at}${found.target ? ` at ${plain(Object.values(found.target).join(', '))}` : ''}:`,
    ...table(
      ['WHAT', 'AS IT SHOULD BE', 'OBSERVED', 'AT', 'REQUEST'],
      found.evidence.map((piece) => [
        piece.artefact,
        piece.holds ? 'yes' : 'NO',
        piece.observed,
        piece.at,
        piece.requestId ?? '',
      ]),
    ),
    ...(found.calls.length === 0 ? [] : ['by:']),
    ...found.calls.map(callLine),
  ]
}

function callLine({ asked, observed, at, requestId }: ChangeReceipt['calls'][number]): string {
  return plain(`  ${asked}  ${observed}  ${at}  ${requestId ?? ''}`)
}
