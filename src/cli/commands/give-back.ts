import type { Command } from 'commander'
import { grants } from '../../contract/endpoints/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../terminal.ts'
import { grantInWords } from '../words.ts'

/** Ends one's own access early. */
export function giveBack(program: Command, terminal: Terminal): void {
  withApi(program.command('give-back <grant>').summary('end access that you no longer need')).action(
    async (id: string, options: ApiOptions) => {
      await show(terminal, options, (api) => api.call(grants.giveBack, { params: { id } }), grantInWords)
    },
  )
}
