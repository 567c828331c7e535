import type { Command } from 'commander'
import { requests } from '../../contract/endpoints/access.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../terminal.ts'
import { requestInWords } from '../words.ts'

/** Says no, and why. */
export function reject(program: Command, terminal: Terminal): void {
  withApi(program.command('reject <request>').summary('reject a request'))
    .requiredOption('--reason <text>', 'reason shown to the requester')
    .action(async (id: string, options: ApiOptions & { reason: string }) => {
      const body = { decision: 'reject' as const, reason: options.reason }
      await show(terminal, options, (api) => api.call(requests.decide, { params: { id }, body }), requestInWords)
    })
}
