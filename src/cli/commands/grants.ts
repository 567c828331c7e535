import type { Command } from 'commander'
import { grants as endpoints } from '../../contract/endpoints/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { inWords } from '../duration.ts'
import { plain, table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { problemInWords, resourcesInWords } from '../words.ts'

/** The access one has. */
export function grants(program: Command, terminal: Terminal): void {
  withApi(program.command('grants').summary('list the access you have'))
    .option('--ended', 'list grants that are over instead')
    .option('--all', 'list everybody’s grants, if you may see them')
    .action(async (options: ApiOptions & { ended?: boolean; all?: boolean }) => {
      const query = { live: !options.ended, whose: options.all ? ('all' as const) : ('mine' as const) }
      await show(
        terminal,
        options,
        (api) => api.call(endpoints.list, { query }),
        ({ items }) => [
          ...table(
            ['GRANT', 'STATE', 'WHO', 'LEFT', 'ACCESS'],
            items.map((one) => [one.id, one.state, one.grantee.name, inWords(one.secondsLeft), resourcesInWords(one.resources)]),
          ),
          ...items.flatMap(({ id, problem }) => (problem ? [plain(`${id}: ${problemInWords(problem)}`)] : [])),
        ],
      )
    })
}
