import type { Command } from 'commander'
import { requests } from '../../contract/endpoints/access.ts'
import { runs } from '../../contract/endpoints/runs.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { runInWords } from '../run-words.ts'
import type { Terminal } from '../terminal.ts'
import { requestInWords } from '../words.ts'

/** Takes back what is not done yet: one’s own request, or a run. */
export function cancel(program: Command, terminal: Terminal): void {
  withApi(program.command('cancel <id>').summary('cancel a request that is pending, or stop a run that is not finished')).action(
    async (id: string, options: ApiOptions) => {
      if (id.startsWith('req_')) {
        await show(terminal, options, (api) => api.call(requests.cancel, { params: { id } }), requestInWords)
        return
      }
      await show(terminal, options, (api) => api.call(runs.cancel, { params: { id } }), runInWords)
    },
  )
}
