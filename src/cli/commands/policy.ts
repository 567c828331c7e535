import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/api-client.ts'
import { catalog } from '../../contract/endpoints/catalog.ts'
import { integrations } from '../../contract/endpoints/integrations.ts'
import type { PolicyAdvice } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import { jsonFrom } from '../json-file.ts'
import type { Terminal } from '../main.ts'

interface Options extends ApiOptions {
  readonly plugin: string
  readonly config?: string
  readonly commands?: boolean
}

/** What the broker itself must be allowed in the target. */
export function policy(program: Command, terminal: Terminal): void {
  withApi(program.command('policy [integration]').summary('print the least the broker needs in the target, and how to set it up'))
    .option(
      '--config <file>',
      'of an integration that is not there yet: its config as JSON, secrets left out; - reads it from the input',
    )
    .option('--plugin <name>', 'whose config that is', 'vault')
    .option('--commands', 'the commands alone, for a shell')
    .action(async (given: string | undefined, options: Options) => {
      await show(
        terminal,
        options,
        (api) => advice(terminal, api, given, options),
        ({ document, commands }) => (options.commands ? commands : [document.trimEnd(), '', ...commands]),
      )
    })
}

async function advice(
  terminal: Terminal,
  api: ApiClient,
  given: string | undefined,
  { plugin, config }: Options,
): Promise<PolicyAdvice> {
  if (config !== undefined) {
    return api.call(catalog.minimumPolicy, {
      params: { plugin },
      body: { config: (await jsonFrom(terminal, config)) as Record<string, unknown> },
    })
  }
  if (given !== undefined) return api.call(integrations.minimumPolicy, { params: { id: await integrationId(api, given) } })
  const { BrokerError } = await import('../../sdk/index.ts')
  throw new BrokerError('input.invalid', 'of which integration?', {
    fix: 'name one, or give the config of one that is not there yet with --config',
  })
}
