import type { Command } from 'commander'
import type { GrantView } from '../../contract/grants.ts'
import type { Page } from '../../contract/lists.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { inWords } from '../duration.ts'
import { table } from '../lines.ts'
import type { Terminal } from '../main.ts'
import { resourcesInWords } from '../words.ts'

/** The access one has. */
export function grants(program: Command, terminal: Terminal): void {
  withApi(program.command('grants').summary('list the access you have'))
    .option('--ended', 'what is over instead')
    .option('--all', 'everybody’s, if you may see it')
    .action(async (options: ApiOptions & { ended?: boolean; all?: boolean }) => {
      const query = { live: options.ended ? 'false' : 'true', whose: options.all ? 'all' : 'mine' }
      await show(
        terminal,
        options,
        (api) => api.get<Page<GrantView>>('/api/grants', query),
        ({ items }) =>
          table(
            ['GRANT', 'STATE', 'WHO', 'LEFT', 'ACCESS'],
            items.map((one) => [one.id, one.state, one.grantee.name, inWords(one.secondsLeft), resourcesInWords(one.resources)]),
          ),
      )
    })
}
