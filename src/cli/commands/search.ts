import type { Command } from 'commander'
import { resources } from '../../contract/endpoints/integrations.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'

/** What there is to ask for. */
export function search(program: Command, terminal: Terminal): void {
  withApi(program.command('search <text>').summary('find resources by part of their name')).action(
    async (text: string, options: ApiOptions) => {
      await show(
        terminal,
        options,
        (api) => api.call(resources.search, { query: { q: text, limit: 200 } }),
        ({ items, next }) => [
          ...table(
            ['ID', 'NAME', 'TYPE', 'INTEGRATION', 'NOT GRANTABLE'],
            items.map((one) => [one.id, one.name, one.type, one.integrationName, one.ungrantable ?? '']),
          ),
          ...(next === null ? [] : ['There are more. Search for a longer part of the name.']),
        ],
      )
    },
  )
}
