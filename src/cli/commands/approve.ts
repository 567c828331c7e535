import type { Command } from 'commander'
import { requests } from '../../contract/endpoints/access.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { seconds } from '../duration.ts'
import type { Terminal } from '../terminal.ts'
import { requestInWords } from '../words.ts'

/** Says yes, perhaps to less time. */
export function approve(program: Command, terminal: Terminal): void {
  withApi(program.command('approve <request>').summary('approve a request'))
    .option('--for <time>', 'grant less time than was asked for, as in 30m', seconds)
    .option('--reason <text>', 'a note to the requester')
    .action(async (id: string, options: ApiOptions & { for?: number; reason?: string }) => {
      const body = { decision: 'approve' as const, seconds: options.for, reason: options.reason }
      await show(terminal, options, (api) => api.call(requests.decide, { params: { id }, body }), requestInWords)
    })
}
