import type { Command } from 'commander'
import { grants } from '../../contract/endpoints/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../terminal.ts'
import { grantInWords } from '../words.ts'

/** For a credential that somebody else opened. */
export function report(program: Command, terminal: Terminal): void {
  withApi(program.command('report <grant>').summary('report that somebody else opened your credential; the grant is revoked'))
    .option('--note <text>', 'what you saw')
    .action(async (id: string, options: ApiOptions & { note?: string }) => {
      const body = { note: options.note }
      await show(terminal, options, (api) => api.call(grants.report, { params: { id }, body }), grantInWords)
    })
}
