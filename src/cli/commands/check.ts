import type { Command } from 'commander'
import type { HealthReport } from '../../contract/integrations.ts'
import { BrokerError } from '../../sdk/index.ts'
import { at } from '../api-client.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import { plain } from '../lines.ts'
import type { Terminal } from '../main.ts'

/** Looks at an integration now: what works, what does not, and what to do about it. */
export function check(program: Command, terminal: Terminal): void {
  withApi(program.command('check <integration>').summary('check an integration now')).action(
    async (given: string, options: ApiOptions) => {
      const { healthy } = await show(
        terminal,
        options,
        async (api) => api.post<HealthReport>(at`/api/integrations/${await integrationId(api, given)}/health`),
        ({ checks }) =>
          checks.flatMap(({ name, status, detail, fix }) => [
            `${MARKS[status]}  ${plain(name)}: ${plain(detail)}`,
            ...(fix === undefined ? [] : fix.split('\n').map((line) => `          ${plain(line)}`)),
          ]),
      )
      if (!healthy) throw new BrokerError('integration.unhealthy', `${given} does not work as it should`)
    },
  )
}

const MARKS = { ok: 'ok      ', warning: 'warning ', failed: 'FAILED  ' } as const
