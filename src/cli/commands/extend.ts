import type { Command } from 'commander'
import { extensions } from '../../contract/endpoints/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { seconds } from '../duration.ts'
import type { Terminal } from '../terminal.ts'
import { requestInWords } from '../words.ts'

const OPEN_AGAIN = (id: string) =>
  `The credential you have still ends at its own time. Run latchkey open ${id} before then to get one that lasts longer; both work until that time.`

/** Asks for more time. */
export function extend(program: Command, terminal: Terminal): void {
  withApi(program.command('extend <grant>').summary('ask for more time on a grant'))
    .requiredOption('--for <time>', 'how much more time, as in 30m', seconds)
    .option('--because <text>', 'why you need it; approvers read this')
    .action(async (id: string, options: ApiOptions & { for: number; because?: string }) => {
      const body = { seconds: options.for, justification: options.because }
      await show(
        terminal,
        options,
        (api) => api.call(extensions.extend, { params: { id }, body }),
        (request) => [...requestInWords(request), ...(request.state === 'approved' ? [OPEN_AGAIN(id)] : [])],
      )
    })
}
