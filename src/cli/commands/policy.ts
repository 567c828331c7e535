import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/api-client.ts'
import { catalog } from '../../contract/endpoints/catalog.ts'
import { integrations } from '../../contract/endpoints/integrations.ts'
import type { PolicyAdvice } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import { jsonFrom } from '../json-file.ts'
import type { Terminal } from '../terminal.ts'

interface Options extends ApiOptions {
  readonly plugin?: string
  readonly config?: string
  readonly commands?: boolean
}

/** What the broker itself must be allowed in the target. */
export function policy(program: Command, terminal: Terminal): void {
  withApi(
    program.command('policy [integration]').summary('print the policy that the broker needs in the target, and how to set it up'),
  )
    .option('--config <file>', 'config (JSON, without secrets) of an integration that does not exist yet; - reads standard input')
    .option('--plugin <name>', 'plugin that the config is for; left out, the only one there is')
    .option('--commands', 'print only the commands, ready for a shell')
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
      params: { plugin: plugin ?? (await onlyPlugin(api)) },
      body: { config: (await jsonFrom(terminal, config)) as Record<string, unknown> },
    })
  }
  if (given !== undefined) return api.call(integrations.minimumPolicy, { params: { id: await integrationId(api, given) } })
  const { BrokerError } = await import('../../sdk/index.ts')
  throw new BrokerError('input.invalid', 'no integration was named', {
    fix: 'name an integration, or use --config for one that does not exist yet',
  })
}

async function onlyPlugin(api: ApiClient): Promise<string> {
  const [plugin, ...others] = (await api.call(catalog.list)).items
  if (plugin && others.length === 0) return plugin.id
  const { BrokerError } = await import('../../sdk/index.ts')
  throw new BrokerError('input.invalid', 'the config may be for one of several plugins', {
    fix: 'name one of them with --plugin',
  })
}
