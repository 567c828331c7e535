import type { Command } from 'commander'
import { runs } from '../../contract/endpoints/runs.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../main.ts'
import { runInWords } from '../run-words.ts'

/** Stops a run that is not done yet. */
export function cancel(program: Command, terminal: Terminal): void {
  withApi(program.command('cancel <run>').summary('stop a run that is not done; what was done of it is taken back')).action(
    async (id: string, options: ApiOptions) => {
      await show(terminal, options, (api) => api.call(runs.cancel, { params: { id } }), runInWords)
    },
  )
}
