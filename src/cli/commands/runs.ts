import type { Command } from 'commander'
import { runs as endpoints } from '../../contract/endpoints/runs.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { table } from '../lines.ts'
import { runInWords } from '../run-words.ts'
import type { Terminal } from '../terminal.ts'

/** What was done at targets, latest first, or one of it. */
export function runs(program: Command, terminal: Terminal): void {
  withApi(program.command('runs [run]').summary('list runs of actions, or show one')).action(
    async (id: string | undefined, options: ApiOptions) => {
      if (id !== undefined) {
        await show(terminal, options, (api) => api.call(endpoints.get, { params: { id } }), runInWords)
        return
      }
      await show(
        terminal,
        options,
        (api) => api.call(endpoints.list, {}),
        ({ items }) =>
          table(
            ['RUN', 'STATE', 'ACTION', 'TO', 'BY', 'BECAUSE'],
            items.map((one) => [
              one.id,
              one.state,
              one.action,
              one.concerns.map(({ name }) => name).join(', '),
              one.orderedBy?.name ?? one.startedBy.kind,
              one.reason,
            ]),
          ),
      )
    },
  )
}
