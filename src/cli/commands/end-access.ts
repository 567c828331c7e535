import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/api-client.ts'
import { grants } from '../../contract/endpoints/grants.ts'
import { accessEnding, integrations } from '../../contract/endpoints/integrations.ts'
import type { GrantView } from '../../contract/grants.ts'
import type { ApiOptions } from '../api-command.ts'
import { withApi } from '../api-command.ts'
import { apiClient } from '../connect.ts'
import { integrationId } from '../find.ts'
import { json, table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { typed } from '../typed.ts'
import { until } from '../until.ts'

interface Options extends ApiOptions {
  readonly reason: string
  readonly confirm?: string
}

/** The loud switch: pauses an integration and ends every grant through it. */
export function endAccess(program: Command, terminal: Terminal): void {
  withApi(program.command('end-access <integration>').summary('pause an integration and end ALL access through it now'))
    .requiredOption('--reason <text>', 'reason shown to the people who lose access')
    .option('--confirm <name>', 'the integration’s name, typed to confirm (if left out, you are asked for it)')
    .action(async (given: string, options: Options) => {
      const api = await apiClient(terminal.env, options)
      const integration = await api.call(integrations.get, { params: { id: await integrationId(api, given) } })
      const confirm = options.confirm ?? (await typed(terminal, `This ends everybody's access through ${integration.name}.`))
      const body = { confirm, reason: options.reason }
      const ended = await api.call(accessEnding.end, { params: { id: integration.id }, body })
      terminal.tell(`${integration.name} is paused; ${ended.grants.length} grants are ending.`)
      const over = await Promise.all(ended.grants.map((id) => whenOver(api, id)))
      if (options.json) return terminal.print(json({ ...ended, grants: over }))
      for (const line of table(
        ['GRANT', 'GRANTEE', 'STATE', 'POWERLESS SINCE', 'RECEIPT'],
        over.map(({ id, grantee, state, powerlessAt, endedAt }) => [
          id,
          grantee.name,
          state,
          powerlessAt ?? '',
          endedAt ? `latchkey receipt ${id}` : 'not yet',
        ]),
      )) {
        terminal.print(line)
      }
    })
}

/** Over, or stuck: then a person has to look, and waiting longer tells nothing new. */
function whenOver(api: ApiClient, id: string): Promise<GrantView> {
  return until(
    () => api.call(grants.get, { params: { id }, query: { waitSeconds: '30' } }),
    ({ state, endedAt }) => endedAt !== null || state === 'stuck',
  )
}
