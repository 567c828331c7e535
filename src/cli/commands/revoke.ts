import type { Command } from 'commander'
import { grants } from '../../contract/endpoints/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../terminal.ts'
import { grantInWords } from '../words.ts'

/** Ends somebody's access early. */
export function revoke(program: Command, terminal: Terminal): void {
  withApi(program.command('revoke <grant>').summary('end another person’s access now'))
    .requiredOption('--reason <text>', 'reason shown to the person who loses access')
    .action(async (id: string, options: ApiOptions & { reason: string }) => {
      const body = { reason: options.reason }
      await show(terminal, options, (api) => api.call(grants.revoke, { params: { id }, body }), grantInWords)
    })
}
