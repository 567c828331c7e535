import type { Command } from 'commander'
import { type ApiClient, ChangeHeld } from '../api-client/api-client.ts'
import type { ProposalView } from '../contract/proposals.ts'
import { BrokerError } from '../sdk/index.ts'
import { apiClient } from './connect.ts'
import { json } from './lines.ts'
import type { Terminal } from './terminal.ts'

export interface ApiOptions {
  readonly url?: string
  readonly tokenFile?: string
  readonly json?: boolean
}

/** What every command that calls the broker takes. */
export function withApi(command: Command): Command {
  return command
    .option('--url <url>', 'URL of the broker (default: LATCHKEY_CLI_URL, else http://127.0.0.1:4460)')
    .option('--token-file <file>', 'file that holds your token (default: the token in LATCHKEY_CLI_TOKEN)')
    .option('--json', 'print the broker’s answer as JSON')
}

/** What came of an order: itself, or the proposal that waits for a second person in its place. */
export function orHeld<Made>(said: Promise<Made>): Promise<Made | ProposalView> {
  return said.catch((error: unknown) => {
    if (error instanceof ChangeHeld) return error.proposal
    throw error
  })
}

export function mustSayWhy({ reason }: { readonly reason?: string | undefined }): string {
  if (reason !== undefined) return reason
  throw new BrokerError('input.invalid', 'the reason is missing', { fix: 'add --reason "…"' })
}

/** Calls the broker and shows its answer, as it is or in words. */
export async function show<Answer>(
  terminal: Terminal,
  options: ApiOptions,
  ask: (api: ApiClient) => Promise<Answer>,
  inWords: (answer: Answer) => readonly string[],
): Promise<Answer> {
  const answer = await ask(await apiClient(terminal.env, options))
  for (const line of options.json ? [json(answer)] : inWords(answer)) terminal.print(line)
  return answer
}
