import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { ApiClient, bearer } from '../../api-client/api-client.ts'
import { enrolments, myself } from '../../contract/endpoints/people.ts'
import type { SignInOptions } from '../../contract/identity.ts'
import { BrokerError, Secret } from '../../sdk/index.ts'
import { brokerUrl } from '../connect.ts'
import type { Login } from '../stored-login.ts'
import type { Terminal } from '../terminal.ts'

/** Signs in at the company's identity provider, in whatever browser is at hand; or with a code, where there is none. */
export function login(program: Command, terminal: Terminal): void {
  program
    .command('login')
    .summary('sign in at the identity provider, or with an enrolment code')
    .description(
      'Shows an address and a code to sign in with in any browser, and remembers who you are. Without an identity provider an admin gives you an enrolment code: --code reads it.',
    )
    .option('--url <url>', 'URL of the broker (default: LATCHKEY_CLI_URL, else http://127.0.0.1:4460)')
    .option('--code', 'redeem an enrolment code, read from standard input')
    .action(async (options: { url?: string; code?: boolean }) => {
      const { changeLogin, readLogin } = await import('../stored-login.ts')
      const broker = brokerUrl(terminal.env, options.url)
      const made = options.code ? await redeemed(terminal, broker) : await signedIn(terminal, broker)
      const me = await new ApiClient(broker, bearer(new Secret(made.token))).call(myself.get).catch(async (error: unknown) => {
        await forgetAtProvider(terminal, made.login) // what nobody can use does not stay there
        throw error
      })
      const before = await readLogin(terminal.env, broker)
      await changeLogin(terminal.env, broker, async () => made.login)
      if (before) await forgetAtProvider(terminal, before)
      const until =
        made.until === undefined
          ? ''
          : `, until ${made.until}. It ends earlier if the admin who made the code leaves, or their token ends`
      terminal.tell(`Signed in as ${me.name}${me.userName === null ? '' : ` (${me.userName})`}${until}.`)
    })
}

async function optionsOf(broker: string): Promise<SignInOptions> {
  const { answer } = await new ApiClient(broker).send('GET', '/auth/options')
  return answer as SignInOptions
}

interface Made {
  readonly token: string
  readonly login: Login
  /** when what a code gave ends at the latest */
  readonly until?: string
}

async function signedIn(terminal: Terminal, broker: string): Promise<Made> {
  const { deviceLogin } = await import('../device-login.ts')
  const { issuer, cliClientId, audience, scopes, resource } = await optionsOf(broker)
  if (cliClientId === null || audience === null) {
    throw new BrokerError('not_found', 'this broker is not set up for sign-in at the command line', {
      fix: 'use an API token, or ask the broker’s operator to set LATCHKEY_OIDC_CLI_CLIENT_ID and LATCHKEY_OIDC_AUDIENCE',
    })
  }
  const login = await deviceLogin({ issuer, clientId: cliClientId, audience, resource }, scopes, ({ url, plainUrl, code }) => {
    const otherwise = url === plainUrl ? '' : `, or enter it at ${plainUrl}`
    terminal.tell(`Open ${url}\nand see that it shows the code ${code}${otherwise}`)
  })
  return { token: login.accessToken, login }
}

async function forgetAtProvider(terminal: Terminal, login: Login): Promise<void> {
  const { forget } = await import('../device-login.ts')
  const { isEnrolled } = await import('../stored-login.ts')
  if (isEnrolled(login)) return
  await forget(login).catch(() =>
    terminal.tell('The login is gone from this machine, but the identity provider could not be told to revoke it.'),
  )
}

// A code is never an argument: every user of the machine can read those.
async function redeemed(terminal: Terminal, broker: string): Promise<Made> {
  terminal.tell('The enrolment code that an admin gave you:')
  const lines = createInterface({ input: terminal.input ?? process.stdin })
  const { value: line } = await lines[Symbol.asyncIterator]().next()
  lines.close()
  const wish = { code: String(line ?? '').trim(), name: 'command line' }
  const { token, id, expiresAt } = await new ApiClient(broker).call(enrolments.redeem, { body: wish })
  return { token, login: { token, tokenId: id }, until: expiresAt }
}
