import type { Command } from 'commander'
import { myself, providerCheck } from '../../contract/endpoints/people.ts'
import type { Me } from '../../contract/identity.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { apiClient, brokerUrl } from '../connect.ts'
import type { Terminal } from '../terminal.ts'
import { until } from '../until.ts'
import { checksInWords } from '../words.ts'

/** Has the admin sign in and shows what the identity provider said, claim by claim, and what to change. */
export function doctor(program: Command, terminal: Terminal): void {
  const group = program.command('doctor').summary('check how people sign in, and say what is wrong')
  withApi(group.command('identity').summary('check the identity provider by signing in yourself'))
    .option('--no-sign-in', 'check your last sign-in instead of a new one')
    .action(async (options: ApiOptions & { signIn: boolean }) => {
      const api = await apiClient(terminal.env, options)
      if (options.signIn) {
        const before = await api.call(myself.get)
        terminal.tell(`Sign in as ${before.name}, in a browser, at ${brokerUrl(terminal.env, options.url)}/auth/login`)
        const isAnother = ({ provider }: Me) => provider?.signedInAt !== before.provider?.signedInAt
        await until(() => api.call(myself.get), isAnother)
      }
      const { healthy } = await show(
        terminal,
        options,
        (at) => at.call(providerCheck.get),
        ({ checks }) => checksInWords(checks),
      )
      if (!healthy) throw new BrokerError('unavailable', 'sign-in does not work as it should')
    })
}
