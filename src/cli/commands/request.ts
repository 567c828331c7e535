import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/api-client.ts'
import { requests } from '../../contract/endpoints/access.ts'
import { grants } from '../../contract/endpoints/grants.ts'
import type { GrantView } from '../../contract/grants.ts'
import type { DryRun, RequestView } from '../../contract/requests.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import type { Terminal } from '../terminal.ts'

interface Options extends ApiOptions {
  readonly permission: string[]
  readonly for?: number
  readonly because?: string
  readonly flow?: string
  readonly integration?: string
  readonly dryRun?: boolean
  readonly wait?: boolean
}

import { inWords, seconds } from '../duration.ts'
import { resourceId } from '../find.ts'
import { facts, plain } from '../lines.ts'
import { until } from '../until.ts'
import { grantInWords, requestInWords } from '../words.ts'

/** Asks for access. */
export function request(program: Command, terminal: Terminal): void {
  withApi(program.command('request <resource...>').summary('ask for access to resources, by name or id'))
    .requiredOption(
      '--permission <permission>',
      'what you want to do, such as read; for several: read,list, or repeat the option',
      each,
    )
    .option(
      '--for <time>',
      'how long you need it, as in 90s, 15m, 1h30m or 2d; an hour unless you say, or less where the flow allows less',
      seconds,
    )
    .option('--because <text>', 'why you need it; approvers read this')
    .option('--flow <id>', 'id of the access flow to ask under')
    .option('--integration <name>', 'the resources’ integration, if several have resources of that name')
    .option('--dry-run', 'show what would happen, without asking')
    .option('--wait', 'wait for the decision, and until the access is ready')
    .action(async (resources: string[], options: Options) => {
      const body = async (api: ApiClient) => bodyOf(api, resources, options)
      if (options.dryRun) {
        await show(terminal, options, async (api) => api.call(requests.dryRun, { body: await body(api) }), prospectInWords)
        return
      }
      const answer = await show(
        terminal,
        options,
        async (api) => {
          const submitted = await api.call(requests.submit, { body: await body(api) })
          return options.wait ? settled(terminal, api, submitted) : submitted
        },
        (view) => ('grantee' in view ? grantInWords(view) : requestInWords(view)),
      )
      if (options.wait && answer.state !== 'active') {
        throw new BrokerError('conflict', `there is no access: it is ${answer.state}`)
      }
    })
}

function each(given: string, before: readonly string[] = []): string[] {
  return [...before, ...given.split(',').filter((one) => one !== '')]
}

async function bodyOf(api: ApiClient, given: readonly string[], options: Options) {
  const ids = await Promise.all(given.map((one) => resourceId(api, one, options.integration)))
  return {
    flowId: options.flow,
    resources: ids.map((id) => ({ resourceId: id, permissions: options.permission })),
    seconds: options.for,
    justification: options.because,
  }
}

/** The grant, when it has got where it was going; the request, when there will be none. */
async function settled(terminal: Terminal, api: ApiClient, submitted: RequestView): Promise<RequestView | GrantView> {
  const { id, state, approvers } = submitted
  if (state === 'pending') terminal.tell(`${id} waits for ${approvers.map(({ name }) => plain(name)).join(', ')}`)
  const decided = await until(
    () => api.call(requests.get, { params: { id } }),
    (one) => one.state !== 'pending',
  )
  const { grantId } = decided
  if (decided.state !== 'approved' || grantId === null) return decided
  return until(
    () => api.call(grants.get, { params: { id: grantId }, query: { waitSeconds: 25 } }),
    (grant) => grant.state !== 'scheduled' && grant.state !== 'provisioning',
  )
}

function prospectInWords({ allowed, reasons, flow, seconds, automatic, stages, steps, guarantee }: DryRun): string[] {
  if (!allowed) return ['This request would be refused:', ...reasons.map((reason) => `  ${plain(reason)}`)]
  const inTurn = stages.map(({ parties }) =>
    parties.map(({ needed, people }) => `${needed} of ${people.map(({ name }) => name).join(', ')}`).join(', and '),
  )
  return [
    ...facts({
      flow: flow?.name,
      for: inWords(seconds),
      approval: automatic ? 'automatic' : inTurn.join('; then '),
      'ended by': guarantee === 'server' ? 'the target itself' : 'the broker',
    }),
    'Steps:',
    ...steps.map(({ summary }) => `  ${plain(summary)}`),
  ]
}
