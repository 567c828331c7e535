import type { Command } from 'commander'
import { extensions } from '../../contract/endpoints/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { seconds } from '../duration.ts'
import type { Terminal } from '../main.ts'
import { requestInWords } from '../words.ts'

const OPEN_AGAIN = (id: string) =>
  `What you opened before keeps its own end. Run latchkey open ${id} before then: what you hold goes on beside it until that end.`

/** Asks for more time. */
export function extend(program: Command, terminal: Terminal): void {
  withApi(program.command('extend <grant>').summary('ask for more time'))
    .requiredOption('--for <time>', 'how much more, as in 30m', seconds)
    .option('--because <text>', 'what the approvers should know')
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
