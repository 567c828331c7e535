import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/api-client.ts'
import type { DistributionView } from '../../contract/distributions.ts'
import { targets as targetEndpoints } from '../../contract/endpoints/distribution.ts'
import { distributions as endpoints } from '../../contract/endpoints/distributions.ts'
import type { ProposalView } from '../../contract/proposals.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, mustSayWhy, orHeld, show, withApi } from '../api-command.ts'
import { apiClient } from '../connect.ts'
import {
  distributionInWords,
  distributionsInWords,
  dryRunInWords,
  outlookInWords,
  targetsInWords,
} from '../distribution-words.ts'
import { certificateId, targetIds } from '../find.ts'
import { json, plain } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { until } from '../until.ts'
import { heldInWords } from '../words.ts'

interface Options extends ApiOptions {
  readonly reason?: string
  readonly key?: string
  readonly wait?: boolean
}

interface Word extends Options {
  readonly only?: string
  readonly resume?: boolean
  readonly cancel?: boolean
  readonly rollBack?: boolean
  readonly plan?: boolean
}

/** Where certificates go. */
export function targets(program: Command, terminal: Terminal): void {
  withApi(program.command('targets').summary('list the targets that certificates are written to')).action(
    async (options: ApiOptions) => {
      await show(
        terminal,
        options,
        (api) => api.call(targetEndpoints.list, {}),
        ({ items }) => targetsInWords(items),
      )
    },
  )
}

/** Takes a certificate to targets. */
export function distribute(program: Command, terminal: Terminal): void {
  withApi(program.command('distribute <certificate>').summary('write a certificate to targets, and read it back'))
    .requiredOption('--to <targets>', 'names or ids of the targets, separated by commas')
    .option('--reason <text>', 'why you do this; it is kept in the audit trail')
    .option('--key <text>', 'idempotency key: repeating a call with the same key orders nothing a second time')
    .option('--plan', 'show what is at each target now, and what would be written there, without doing it')
    .option('--at-once <number>', 'how many targets to write to at once, 1 to 25 (default: 10)')
    .option('--no-wait', 'do not wait until every target is done')
    .action(async (given: string, options: Options & { to: string; atOnce?: string; plan?: boolean }) => {
      const api = await apiClient(terminal.env, options)
      const wanted = {
        certificateId: (await certificateId(api, given)) as `crt_${string}`,
        targetIds: (await targetIds(api, options.to)) as `tgt_${string}`[],
      }
      if (options.plan) {
        const found = await api.call(endpoints.dryRun, { body: wanted })
        for (const line of options.json ? [json(found)] : dryRunInWords(found)) terminal.print(line)
        return
      }
      const body = {
        ...wanted,
        reason: mustSayWhy(options),
        ...(options.atOnce !== undefined && { batchSize: Number(options.atOnce) }),
        ...keyOf(options),
      }
      const view = await shown(terminal, api, options, orHeld(api.call(endpoints.order, { body })))
      if (options.wait !== false && view && view.state !== 'done') throw notAll(view)
    })
}

/** What was distributed, and what to do about it. */
export function distributions(program: Command, terminal: Terminal): void {
  withApi(program.command('distributions [distribution]').summary('list distributions; show, resume, cancel or roll back one'))
    .option('--resume', 'send the certificate again to targets where it failed')
    .option('--cancel', 'start no further target')
    .option('--roll-back', 'restore what was at the targets before')
    .option('--plan', 'with --roll-back: show what would be restored, without doing it')
    .option('--only <targets>', 'with --resume or --roll-back: only these targets; names or ids, separated by commas')
    .option('--reason <text>', 'why you do this; it is kept in the audit trail')
    .option('--key <text>', 'with --roll-back: idempotency key')
    .option('--no-wait', 'do not wait until every target is done')
    .action(async (id: string | undefined, options: Word) => {
      if (id === undefined) {
        await show(
          terminal,
          options,
          (api) => api.call(endpoints.list, {}),
          ({ items }) => distributionsInWords(items),
        )
        return
      }
      const params = { id }
      const api = await apiClient(terminal.env, options)
      if (options.rollBack && options.plan) {
        await show(terminal, options, () => api.call(endpoints.rollbackPreview, { params }), outlookInWords)
        return
      }
      if (!options.resume && !options.cancel && !options.rollBack) {
        await show(terminal, options, () => api.call(endpoints.get, { params }), distributionInWords)
        return
      }
      const reason = mustSayWhy(options)
      const only = options.only === undefined ? {} : { targetIds: (await targetIds(api, options.only)) as `tgt_${string}`[] }
      const body = { reason, ...only }
      if (options.rollBack) await tellWarnings(terminal, api, id, only.targetIds)
      const said = options.resume
        ? api.call(endpoints.resume, { params, body })
        : options.cancel
          ? api.call(endpoints.cancel, { params, body: { reason } })
          : api.call(endpoints.rollBack, { params, body: { ...body, ...keyOf(options) } })
      const view = await shown(terminal, api, options, orHeld(said))
      if (options.resume && options.wait !== false && view && view.state !== 'done') throw notAll(view)
    })
}

/** What is to be known of what would come back, before it is said. */
async function tellWarnings(terminal: Terminal, api: ApiClient, id: string, only: readonly string[] | undefined): Promise<void> {
  const { items } = await api.call(endpoints.rollbackPreview, { params: { id } })
  for (const { targetId, name, warnings } of items)
    if (only === undefined || only.includes(targetId))
      for (const warning of warnings) terminal.tell(`Mind: ${name}: ${plain(warning)}`)
}

/** Once every target has settled, unless it is not to wait; undefined where it waits for a second person. */
async function shown(
  terminal: Terminal,
  api: ApiClient,
  options: Options,
  said: Promise<DistributionView | ProposalView>,
): Promise<DistributionView | undefined> {
  const answer = await said
  if (!('targets' in answer)) {
    terminal.print(options.json ? json(answer) : heldInWords(answer))
    return undefined
  }
  const view = options.wait === false ? answer : await settled(api, answer.id)
  for (const line of options.json ? [json(view)] : distributionInWords(view)) terminal.print(line)
  return view
}

function settled(api: ApiClient, id: string): Promise<DistributionView> {
  return until(
    () => api.call(endpoints.get, { params: { id } }),
    ({ state }) => state !== 'running',
  )
}

function keyOf({ key }: Options) {
  return key === undefined ? {} : { idempotencyKey: key }
}

/** So that a script stops. */
function notAll({ id, state }: DistributionView): BrokerError {
  return new BrokerError('conflict', `${id} is ${state}: some targets do not have the certificate`, {
    fix: `look at each target’s problem, then latchkey distributions ${id} --resume`,
  })
}
