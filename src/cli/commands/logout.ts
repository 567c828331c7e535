import type { Command } from 'commander'
import { ApiClient, bearer } from '../../api-client/api-client.ts'
import { tokens } from '../../contract/endpoints/people.ts'
import { Secret } from '../../sdk/index.ts'
import { brokerUrl } from '../connect.ts'
import type { Terminal } from '../terminal.ts'

/** Forgets who you are, and has the provider forget it, or the broker revoke the token. */
export function logout(program: Command, terminal: Terminal): void {
  program
    .command('logout')
    .summary('sign out: forget the login on this machine')
    .option('--url <url>', 'URL of the broker (default: LATCHKEY_CLI_URL, else http://127.0.0.1:4460)')
    .action(async (options: { url?: string }) => {
      const { forget } = await import('../device-login.ts')
      const { changeLogin, isEnrolled, readLogin } = await import('../stored-login.ts')
      const broker = brokerUrl(terminal.env, options.url)
      const stored = await readLogin(terminal.env, broker)
      if (!stored) {
        terminal.tell('You are not signed in.')
        return
      }
      // Here it is forgotten in any case.
      await changeLogin(terminal.env, broker, async () => undefined)
      if (isEnrolled(stored))
        await new ApiClient(broker, bearer(new Secret(stored.token))).call(tokens.revoke, { params: { id: stored.tokenId } })
      else await forget(stored)
      terminal.tell('Signed out.')
    })
}
