import type { Command } from 'commander'
import { discovery } from '../../contract/endpoints/integrations.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { integrationId } from '../find.ts'
import { facts, plain } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { until } from '../until.ts'

/** Discovers now what there is in the target. */
export function sync(program: Command, terminal: Terminal): void {
  withApi(program.command('sync <integration>').summary('discover the target’s resources now'))
    .option('--wait', 'wait until discovery is finished')
    .action(async (given: string, options: ApiOptions & { wait?: boolean }) => {
      const { state, error } = await show(
        terminal,
        options,
        async (api) => {
          const params = { id: await integrationId(api, given) }
          const begun = await api.call(discovery.start, { params })
          if (!options.wait) return begun
          return until(
            () => api.call(discovery.latest, { params }),
            (run) => run.state !== 'running',
          )
        },
        (run) => [
          ...facts({
            discovery: run.id,
            state: run.state,
            found: run.found,
            added: run.added,
            changed: run.changed,
            gone: run.gone,
          }),
          ...run.unreadable.map(({ folder, reason }) => `could not read ${plain(folder)}: ${plain(reason)}`),
          ...run.notices.map(plain),
        ],
      )
      if (state === 'failed') throw new BrokerError('unavailable', error?.message ?? 'the discovery failed', { fix: error?.fix })
    })
}
