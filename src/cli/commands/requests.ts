import type { Command } from 'commander'
import { requests as endpoints } from '../../contract/endpoints/access.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { resourcesInWords, secondsInWords, whoInWords } from '../words.ts'

/** One's own requests, or those one may decide. */
export function requests(program: Command, terminal: Terminal): void {
  withApi(program.command('requests').summary('list your latest requests'))
    .option('--to-approve', 'list requests that wait for your decision instead')
    .action(async (options: ApiOptions & { toApprove?: boolean }) => {
      const role = options.toApprove ? 'approver' : 'requester'
      await show(
        terminal,
        options,
        (api) => api.call(endpoints.list, { query: { role } }),
        ({ items }) =>
          table(
            ['REQUEST', 'STATE', 'WHO', 'FOR', 'ACCESS', 'BECAUSE', 'GRANT'],
            items.map((one) => [
              one.id,
              one.state,
              whoInWords(one.requester),
              secondsInWords(one),
              resourcesInWords(one.resources),
              one.justification,
              one.grantId ?? '',
            ]),
          ),
      )
    })
}
