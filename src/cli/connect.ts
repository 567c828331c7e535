import { readFile } from 'node:fs/promises'
import { ApiClient, bearer } from '../api-client/api-client.ts'
import { isLoopback } from '../config/loopback.ts'
import { BrokerError, Secret } from '../sdk/index.ts'

export interface Access {
  readonly url?: string
  readonly tokenFile?: string
}

/** Which broker is called, and as which person. The token is never an argument: every user of the machine can read those. */
export async function apiClient(env: NodeJS.ProcessEnv, { url, tokenFile }: Access): Promise<ApiClient> {
  const broker = brokerUrl(env, url)
  return new ApiClient(broker, bearer(await readToken(env, broker, tokenFile)))
}

/** As it was given, without a final slash. */
export function brokerUrl(env: NodeJS.ProcessEnv, url: string | undefined): string {
  const origin = URL.parse(url ?? env['LATCHKEY_CLI_URL'] ?? 'http://127.0.0.1:4460')
  if (!origin || !/^https?:$/.test(origin.protocol)) {
    throw new BrokerError('input.invalid', 'the broker’s URL is not a URL', {
      fix: 'set LATCHKEY_CLI_URL or --url to a URL such as https://latchkey.example.com',
    })
  }
  if (origin.protocol === 'http:' && !isLoopback(origin.hostname)) {
    throw new BrokerError(
      'input.invalid',
      `your token would travel to ${origin.origin} in the clear, for everybody on the way to read`,
      {
        fix: 'give the https:// URL of the broker; plain http is for a loopback address only',
      },
    )
  }
  return origin.href.replace(/\/$/, '')
}

/** What was given comes first; otherwise it is the person who signed in with `latchkey login`. */
async function readToken(env: NodeJS.ProcessEnv, broker: string, file: string | undefined): Promise<Secret> {
  const token = (file === undefined ? env['LATCHKEY_CLI_TOKEN'] : await readFile(file, 'utf8'))?.trim()
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return new Secret(token)
  if (token === undefined) {
    const { loginToken } = await import('./device-login.ts')
    const login = await loginToken(env, broker)
    if (login) return login
  }
  throw new BrokerError(
    'auth.required',
    token ? 'the token given is not a Latchkey token' : 'you are not signed in, and no token was given',
    {
      fix: 'sign in with latchkey login (with a code from an admin: latchkey login --code), set LATCHKEY_CLI_TOKEN, or name a file that holds the token with --token-file',
    },
  )
}
