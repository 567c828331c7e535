import { readFile } from 'node:fs/promises'
import { isLoopback } from '../config/loopback.ts'
import type { Page } from '../contract/lists.ts'
import type { Problem } from '../contract/problem.ts'
import { BrokerError, type ErrorCode, Secret } from '../sdk/index.ts'

export interface Access {
  readonly url?: string
  readonly tokenFile?: string
}

type Query = Readonly<Record<string, string | number | undefined>>

const PATIENCE_MS = 120_000

/** The broker's API for one person. Every refusal is a `BrokerError` as the broker worded it. */
export class ApiClient {
  constructor(
    private readonly url: string,
    /** without one only what is for anybody answers */
    private readonly token?: Secret,
  ) {}

  /** @param path with ids and names already encoded: use the tag `at` */
  async get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]))
    const asked = new URLSearchParams(Object.fromEntries(given)).toString()
    return this.call('GET', asked === '' ? path : `${path}?${asked}`)
  }

  async post<Answer>(path: string, body?: unknown): Promise<Answer> {
    return this.call('POST', path, body)
  }

  async delete(path: string): Promise<void> {
    await this.call('DELETE', path)
  }

  /** Every item of a list, page by page. */
  async *each<Item>(path: string, query: Query = {}): AsyncGenerator<Item> {
    for (let cursor: string | undefined; ; ) {
      const { items, next } = await this.get<Page<Item>>(path, { limit: 200, ...query, cursor })
      yield* items
      if (next === null) return
      cursor = next
    }
  }

  /** @param path as the API has it, encoded */
  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token.reveal()}` }),
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'error', // a token goes to nobody but the broker it is for
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((cause: unknown) => {
      throw this.noAnswer(cause)
    })
    const text = await response.text().catch((cause: unknown) => {
      throw this.noAnswer(cause)
    })
    const answer = parsed(text)
    if (response.status === 204) return null as Answer
    if (response.ok && answer !== undefined) return answer as Answer
    throw this.refusal(response, answer)
  }

  private refusal(response: Response, answer: unknown): BrokerError {
    const problem = answer as Problem | undefined
    if (problem?.code === undefined || problem.message === undefined) {
      return new BrokerError('unavailable', `${this.url} answered ${response.status}, and not as a broker does`, {
        fix: 'give the URL of the broker itself in LATCHKEY_CLI_URL or --url',
      })
    }
    const others = (problem.issues ?? []).slice(1).map(({ field, message }) => `${field} ${message}`)
    return new BrokerError(problem.code as ErrorCode, [problem.message, ...others].join('; '), {
      fix: problem.fix,
      requestId: problem.requestId,
    })
  }

  private noAnswer(cause: unknown): BrokerError {
    const reason = (cause as { cause?: { code?: string } }).cause?.code ?? (cause as Error).message
    return new BrokerError('unavailable', `the broker at ${this.url} does not answer: ${reason}`, {
      cause,
      fix: 'is it running? Its URL comes from LATCHKEY_CLI_URL or --url',
    })
  }
}

/** A path with whatever is put into it as one segment each: at`/api/grants/${id}/open`. */
export function at(strings: TemplateStringsArray, ...segments: string[]): string {
  return String.raw({ raw: strings }, ...segments.map(encodeURIComponent))
}

/** Who calls whom. The token is never an argument: every user of the machine can read those. */
export async function apiClient(env: NodeJS.ProcessEnv, { url, tokenFile }: Access): Promise<ApiClient> {
  const broker = brokerUrl(env, url)
  return new ApiClient(broker, await readToken(env, broker, tokenFile))
}

/** As it was given, without a final slash. */
export function brokerUrl(env: NodeJS.ProcessEnv, url: string | undefined): string {
  const origin = URL.parse(url ?? env['LATCHKEY_CLI_URL'] ?? 'http://127.0.0.1:4460')
  if (!origin || !/^https?:$/.test(origin.protocol)) {
    throw new BrokerError('input.invalid', 'the URL of the broker is not one', {
      fix: 'give it in LATCHKEY_CLI_URL or --url as https://latchkey.example.com',
    })
  }
  if (origin.protocol === 'http:' && !isLoopback(origin.hostname)) {
    throw new BrokerError(
      'input.invalid',
      `${origin.origin} would get your token in the clear, and everybody on the way with it`,
      {
        fix: 'give the https:// URL of the broker; plain http is for a loopback address only',
      },
    )
  }
  return origin.href.replace(/\/$/, '')
}

/** What was given comes first; otherwise it is whoever signed in with `latchkey login`. */
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
    token ? 'what was given as a token is none' : 'there is no token to call the broker with',
    {
      fix: 'sign in with latchkey login (with a code from an admin: latchkey login --code), set LATCHKEY_CLI_TOKEN, or name a file that holds the token with --token-file',
    },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
