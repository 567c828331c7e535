import type { Command } from 'commander'
import { integrations } from '../../contract/endpoints/integrations.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import type { Terminal } from '../terminal.ts'
import { checksInWords } from '../words.ts'

/** Looks at an integration now: what works, what does not, and what to do about it. */
export function check(program: Command, terminal: Terminal): void {
  withApi(program.command('check <integration>').summary('check an integration’s health now')).action(
    async (given: string, options: ApiOptions) => {
      const { healthy } = await show(
        terminal,
        options,
        async (api) => api.call(integrations.check, { params: { id: await integrationId(api, given) } }),
        ({ checks }) => checksInWords(checks),
      )
      if (!healthy) throw new BrokerError('integration.unhealthy', `${given} does not work as it should`)
    },
  )
}
