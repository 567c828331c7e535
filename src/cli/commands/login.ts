import type { Command } from 'commander'
import type { Me, SignInOptions } from '../../contract/identity.ts'
import { BrokerError, Secret } from '../../sdk/index.ts'
import { ApiClient, brokerUrl } from '../api-client.ts'
import type { Terminal } from '../main.ts'

/** Signs in at the company's identity provider, in whatever browser is at hand. */
export function login(program: Command, terminal: Terminal): void {
  program
    .command('login')
    .summary('sign in at the identity provider')
    .description('Shows an address and a code to sign in with in any browser, and remembers who you are.')
    .option('--url <url>', 'of the broker; otherwise LATCHKEY_CLI_URL, otherwise http://127.0.0.1:4460')
    .action(async (options: { url?: string }) => {
      const { deviceLogin } = await import('../device-login.ts')
      const { changeLogin } = await import('../stored-login.ts')
      const broker = brokerUrl(terminal.env, options.url)
      const { issuer, cliClientId, audience, scopes } = await new ApiClient(broker).get<SignInOptions>('/auth/options')
      if (cliClientId === null || audience === null) {
        throw new BrokerError('not_found', 'this broker lets nobody sign in at the command line', {
          fix: 'its operator sets LATCHKEY_OIDC_CLI_CLIENT_ID and LATCHKEY_OIDC_AUDIENCE; until then use an API token',
        })
      }
      const made = await deviceLogin({ issuer, clientId: cliClientId, audience }, scopes, (url, code) => {
        terminal.tell(`Open ${url}\nand see that it shows the code ${code}`)
      })
      const me = await new ApiClient(broker, new Secret(made.accessToken)).get<Me>('/api/me')
      await changeLogin(terminal.env, broker, async () => made)
      terminal.tell(`Signed in as ${me.name}.`)
    })
}
