import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/api-client.ts'
import { actionRequests } from '../../contract/endpoints/access.ts'
import { runs } from '../../contract/endpoints/runs.ts'
import type { RunPreview, RunView } from '../../contract/runs.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, mustSayWhy, orHeld, withApi } from '../api-command.ts'
import { apiClient } from '../connect.ts'
import { askableIntegrationId, integrationId } from '../find.ts'
import { jsonFrom } from '../json-file.ts'
import { json, plain } from '../lines.ts'
import { runInWords } from '../run-words.ts'
import type { Terminal } from '../terminal.ts'
import { typed } from '../typed.ts'
import { until } from '../until.ts'
import { heldInWords, requestInWords } from '../words.ts'

interface Options extends ApiOptions {
  readonly plan?: boolean
  readonly reason?: string
  readonly confirm?: string
  readonly key?: string
  readonly wait?: boolean
  readonly ask?: boolean
  readonly flow?: string
}

const UNDER_WAY = new Set(['pending', 'executing', 'undoing'])

/** Has an action done. What it is told comes from a file or the input, never from the command line: it may hold secrets. */
export function runAction(program: Command, terminal: Terminal): void {
  withApi(
    program
      .command('run <integration> <action> [file]')
      .summary('run an action; its input comes from a JSON file, or - for standard input'),
  )
    .option('--plan', 'show what would be done, without doing it')
    .option('--reason <text>', 'why you do this; it is kept in the audit trail')
    .option(
      '--confirm <name>',
      'name of what the action changes, typed to confirm an action that cannot be undone (if left out, you are asked for it)',
    )
    .option('--key <text>', 'idempotency key: repeating a call with the same key starts no second run')
    .option('--ask', 'request the action under an access flow; it runs once it is approved')
    .option('--flow <id>', 'with --ask: id of the access flow')
    .option('--no-wait', 'do not wait for the end of the run')
    .addHelpText(
      'after',
      '\nExample: latchkey run production <action> input.json --plan\nThe input of each action: latchkey actions production --json, the field “input”.',
    )
    .action(async (given: string, action: string, file: string | undefined, options: Options) => {
      const api = await apiClient(terminal.env, options)
      const input = inputOf(file === undefined ? {} : await jsonFrom(terminal, file))
      if (options.ask) {
        return ask(terminal, api, { integrationId: await askableIntegrationId(api, given), action, input }, options)
      }
      const id = await integrationId(api, given)
      const preview = await api.call(runs.preview, { params: { id, action }, body: { input } })
      if (options.plan) return print(terminal, options.json ? [json(preview)] : planInWords(preview))
      const reason = mustSayWhy(options)
      for (const line of options.json ? [] : planInWords(preview)) terminal.tell(line)
      const confirm = options.confirm ?? (preview.confirm === null ? undefined : await typed(terminal, 'It cannot be undone.'))
      const body = {
        integrationId: id,
        action,
        input,
        reason,
        ...(confirm !== undefined && { confirm }),
        ...(options.key !== undefined && { idempotencyKey: options.key }),
      }
      const ordered = await orHeld(api.call(runs.order, { body }))
      if (!('progress' in ordered)) return terminal.print(options.json ? json(ordered) : heldInWords(ordered))
      const run = options.wait === false ? ordered : await settled(api, ordered)
      print(terminal, options.json ? [json(run)] : runInWords(run))
      mustBeDone(run)
    })
}

/** Under an access flow: who asks need not be an admin. */
async function ask(
  terminal: Terminal,
  api: ApiClient,
  what: { integrationId: string; action: string; input: Record<string, unknown> },
  { plan, reason, confirm, flow, json: asJson }: Options,
): Promise<void> {
  const body = {
    ...what,
    ...(reason !== undefined && { justification: reason }),
    ...(confirm !== undefined && { confirm }),
    ...(flow !== undefined && { flowId: flow }),
  }
  if (plan) {
    const found = await api.call(actionRequests.dryRun, { body })
    if (asJson) return terminal.print(json(found))
    return print(
      terminal,
      found.preview ? planInWords(found.preview) : found.reasons.map((why) => `You may not ask for this: ${plain(why)}`),
    )
  }
  const asked = await api.call(actionRequests.submit, { body })
  print(
    terminal,
    asJson ? [json(asked)] : [...requestInWords(asked), ...(asked.action?.runId ? [`latchkey runs ${asked.action.runId}`] : [])],
  )
}

/** The run once it rests. */
export function settled(api: ApiClient, { id }: Pick<RunView, 'id'>): Promise<RunView> {
  return until(
    () => api.call(runs.get, { params: { id } }),
    ({ state }) => !UNDER_WAY.has(state),
  )
}

function planInWords({ steps, risk, reversible, irreversible }: RunPreview): string[] {
  return [
    ...steps.map(({ summary, before }) => plain(before === null ? summary : `${summary} Now: ${JSON.stringify(before)}`)),
    `Risk: ${risk.level}. ${risk.reasons.map(plain).join(' ')}`,
    reversible ? 'It can be rolled back.' : `It cannot be undone: ${plain(irreversible ?? '')}`,
  ]
}

function inputOf(given: unknown): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>
  throw new BrokerError('input.invalid', 'the input of an action must be a JSON object', {
    fix: 'put it in braces: {"field": …}',
  })
}

function print(terminal: Terminal, lines: readonly string[]): void {
  for (const line of lines) terminal.print(line)
}

/** So that a script stops. */
function mustBeDone({ id, state, problem }: RunView): void {
  if (state === 'executed' || UNDER_WAY.has(state)) return
  throw new BrokerError('conflict', `${id} is ${state}: ${problem?.message ?? 'it was not done'}`, {
    ...(problem?.fix !== undefined && { fix: problem.fix }),
  })
}
