import type { Command } from 'commander'
import type { PolicyAdvice } from '../../sdk/index.ts'
import { at } from '../api-client.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import type { Terminal } from '../main.ts'

/** What the broker itself must be allowed in the target. */
export function policy(program: Command, terminal: Terminal): void {
  withApi(
    program.command('policy <integration>').summary('print the least the broker needs in the target, and how to set it up'),
  ).action(async (given: string, options: ApiOptions) => {
    await show(
      terminal,
      options,
      async (api) => api.get<PolicyAdvice>(at`/api/integrations/${await integrationId(api, given)}/minimum-policy`),
      ({ document, commands }) => [document.trimEnd(), '', ...commands],
    )
  })
}
