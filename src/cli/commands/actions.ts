import type { Command } from 'commander'
import { runs } from '../../contract/endpoints/runs.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import { table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'

/** What may be done at an integration. */
export function actions(program: Command, terminal: Terminal): void {
  withApi(program.command('actions <integration>').summary('list an integration’s actions, and whether each can be undone'))
    .addHelpText('after', '\nThe input of each action: latchkey actions production --json, the field “input”.')
    .action(async (given: string, options: ApiOptions) => {
      await show(
        terminal,
        options,
        async (api) => api.call(runs.actions, { params: { id: await integrationId(api, given) } }),
        ({ items }) =>
          table(
            ['ACTION', 'WHAT IT DOES', 'SEVERITY', 'UNDO'],
            items.map((one) => [
              one.name,
              one.description ?? one.title,
              one.severity,
              one.reversible ? 'yes' : `no: ${one.irreversible ?? ''}`,
            ]),
          ),
      )
    })
}
