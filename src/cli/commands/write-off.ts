import type { Command } from 'commander'
import { integrations, writingOff } from '../../contract/endpoints/integrations.ts'
import { type ApiOptions, orHeld, withApi } from '../api-command.ts'
import { apiClient } from '../connect.ts'
import { integrationId } from '../find.ts'
import { json } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { typed } from '../typed.ts'

interface Options extends ApiOptions {
  readonly reason: string
  readonly confirm?: string
}

/** For a system that is gone for good: what could not be ended there is not waited for any more. */
export function writeOff(program: Command, terminal: Terminal): void {
  withApi(
    program
      .command('write-off <integration>')
      .summary('give up ending access on a system that is gone for good; nothing is proved'),
  )
    .requiredOption('--reason <text>', 'why the system can never be checked; shown to the people concerned and in the receipts')
    .option('--confirm <name>', 'the integration’s name, typed to confirm (if left out, you are asked for it)')
    .action(async (given: string, options: Options) => {
      const api = await apiClient(terminal.env, options)
      const integration = await api.call(integrations.get, { params: { id: await integrationId(api, given) } })
      const warning = `The broker stops trying to end what is left on the system behind ${integration.name}. Nothing is proved gone.`
      const confirm = options.confirm ?? (await typed(terminal, warning))
      const params = { id: integration.id }
      const answer = await orHeld(api.call(writingOff.order, { params, body: { confirm, reason: options.reason } }))
      if (options.json) return terminal.print(json(answer))
      if (!('grants' in answer)) return terminal.print(`${answer.id} waits for a second person; until then nothing changes.`)
      terminal.tell(`${answer.grants.length} grants are written off: nobody has proved that they are gone.`)
      for (const id of answer.grants) terminal.print(`latchkey receipt ${id}`)
    })
}
