import type { Command } from 'commander'
import type { RequestView } from '../../contract/requests.ts'
import { at } from '../api-client.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../main.ts'
import { requestInWords } from '../words.ts'

/** Says no, and why. */
export function reject(program: Command, terminal: Terminal): void {
  withApi(program.command('reject <request>').summary('reject a request'))
    .requiredOption('--reason <text>', 'what the requester is told')
    .action(async (id: string, options: ApiOptions & { reason: string }) => {
      const body = { decision: 'reject', reason: options.reason }
      await show(
        terminal,
        options,
        (api) => api.post<RequestView>(at`/api/access-requests/${id}/approvals`, body),
        requestInWords,
      )
    })
}
