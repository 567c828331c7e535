import type { Command } from 'commander'
import { runs } from '../../contract/endpoints/runs.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, mustSayWhy, orHeld, show, withApi } from '../api-command.ts'
import { apiClient } from '../connect.ts'
import { json, plain } from '../lines.ts'
import { runInWords } from '../run-words.ts'
import type { Terminal } from '../terminal.ts'
import { heldInWords } from '../words.ts'
import { settled } from './run-action.ts'

interface Options extends ApiOptions {
  readonly plan?: boolean
  readonly reason?: string
  readonly key?: string
}

/** Takes a run back, after a look at whether that is possible now. */
export function rollback(program: Command, terminal: Terminal): void {
  withApi(program.command('rollback <run>').summary('undo what a run did'))
    .option('--plan', 'show whether it is possible and what would be restored, without doing it')
    .option('--reason <text>', 'why you do this; it is kept in the audit trail')
    .option('--key <text>', 'idempotency key: repeating a call with the same key orders nothing a second time')
    .action(async (id: string, options: Options) => {
      if (options.plan) {
        await show(
          terminal,
          options,
          (api) => api.call(runs.rollbackPreview, { params: { id } }),
          ({ possible, because, until, by, restores, warnings }) => [
            possible ? 'It can be taken back.' : `It cannot be taken back: ${plain(because ?? '')}`,
            ...(possible && because ? [plain(because)] : []),
            ...restores.map(({ summary }) => plain(summary)),
            ...warnings.map((warning) => `Mind: ${plain(warning)}`),
            ...(possible && by === 'two_admins' ? ['A second admin must accept it.'] : []),
            ...(until ? [`Until ${until}: then the target itself removes what would be restored.`] : []),
          ],
        )
        return
      }
      const reason = mustSayWhy(options)
      const api = await apiClient(terminal.env, options)
      const { warnings } = await api.call(runs.rollbackPreview, { params: { id } })
      for (const warning of warnings) terminal.tell(`Mind: ${plain(warning)}`)
      const body = { reason, ...(options.key !== undefined && { idempotencyKey: options.key }) }
      const ordered = await orHeld(api.call(runs.rollBack, { params: { id }, body }))
      if (!('progress' in ordered)) return terminal.print(options.json ? json(ordered) : heldInWords(ordered))
      const run = await settled(api, ordered)
      for (const line of options.json ? [json(run)] : runInWords(run)) terminal.print(line)
      if (run.state === 'undone') return
      const { message = 'it was not undone', fix } = run.problem ?? {}
      throw new BrokerError('conflict', `${id} is ${run.state}: ${message}`, fix === undefined ? {} : { fix })
    })
}
