import type { Command } from 'commander'
import { rotations as endpoints } from '../../contract/endpoints/rotations.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { rotationId } from '../find.ts'
import { rotationInWords, rotationsInWords } from '../rotation-words.ts'
import type { Terminal } from '../terminal.ts'

/** What is done by schedules: what is overdue and comes next, all of them, or one with its history. */
export function rotations(program: Command, terminal: Terminal): void {
  withApi(program.command('rotations [rotation]').summary('list rotations that are due, or show one with its history'))
    .option('--all', 'list all rotations, paused ones too, oldest first')
    .action(async (given: string | undefined, options: ApiOptions & { all?: boolean }) => {
      if (given === undefined) {
        await show(
          terminal,
          options,
          (api) => (options.all ? api.call(endpoints.list, {}) : api.call(endpoints.due)),
          ({ items }) => rotationsInWords(items),
        )
        return
      }
      await show(
        terminal,
        options,
        async (api) => {
          const params = { id: await rotationId(api, given) }
          const [rotation, turns] = await Promise.all([
            api.call(endpoints.get, { params }),
            api.call(endpoints.turns, { params, query: {} }),
          ])
          return { ...rotation, turns: turns.items }
        },
        (rotation) => rotationInWords(rotation, rotation.turns),
      )
    })
}
