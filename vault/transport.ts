import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import { unaskable } from './askable.ts'
import type { Rank, VaultAnswer, VaultCall } from './call.ts'
import { type ConnectionOptions, Connector } from './connector.ts'
import { within } from './deadline.ts'
import { describeCall, NetworkFailure, networkFailure, VaultError } from './errors.ts'
import { parseJson } from './json.ts'
import { isWorthRepeating, pauseBefore, rest } from './retry.ts'
import { isSecret, type Secret } from './secret.ts'
import { Turns } from './turns.ts'

/** A secret may have a megabyte and more, with its escapes; lists have as many names as there are, up to the connector's own limit. */
const MOST_OF_AN_ANSWER = 8 * 1024 * 1024
const MOST_OF_A_LIST = 64 * 1024 * 1024

export interface TransportOptions extends ConnectionOptions {
  readonly address: string
  readonly namespace?: string
  /** `host:port` of other nodes a standby may redirect to */
  readonly redirectHosts: readonly string[]
  readonly userAgent: string
}

/** HTTP to one server: every status is an answer, only a failure below HTTP throws. */
export interface Transport {
  send(call: VaultCall, token: Secret | undefined): Promise<VaultAnswer>
  close(): Promise<void>
}

interface Exchange {
  readonly answer: VaultAnswer
  readonly retryAfter?: string | string[]
}

export function createTransport(options: TransportOptions): Transport {
  const { origin, pathname } = new URL(options.address)
  const base = pathname.replace(/\/+$/, '')
  const connector = new Connector(options)
  const turns = new Turns()

  /** whether the server may be told to ask its active node */
  let forwards = true
  /** how far the server's storage was when it answered last, where it says so */
  let index: string | undefined

  async function exchange(call: VaultCall, token: Secret | undefined, signal: AbortSignal, at = origin): Promise<Exchange> {
    const { body, hidden } = encode(call.body)
    const path = `${base}/v1/${pathOf(call)}`
    const correlationId = call.correlationId ?? randomUUID()
    const asksForActive = call.fromActive && forwards
    const fresh = call.fromActive && {
      ...(forwards && { 'x-vault-forward': 'active-node' }),
      ...(index && { 'x-vault-index': index }),
    }
    const headers = { ...headersFor(call, token, options), ...fresh, 'x-correlation-id': correlationId }
    call.guard?.()
    const response = await request(call, { origin: at, path, method: call.method, headers, body, signal })
    const said = objectIn(response.text)
    const answer = read(response.status, said ?? {}, correlationId, token ? [...hidden, token.reveal()] : hidden)
    const newer = response.headers['x-vault-index']
    if (typeof newer === 'string') index = newer
    if (asksForActive && answer.errors.some((error) => error.includes('forwarding via header'))) {
      forwards = false // such a server has no node that answers by itself and lags behind, or does not let us choose
      return exchange(call, token, signal, at)
    }
    if (!isOurs(response, said)) throw notOurs(call, response.status, said)
    if (response.status !== 307 || at !== origin) return { answer, retryAfter: response.headers['retry-after'] }
    // Node's own following would hand X-Vault-Token to any host the answer names.
    return exchange(call, token, signal, allowed(response.headers['location'], call))
  }

  async function request(
    call: VaultCall,
    wire: Dispatcher.RequestOptions,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
    const dispatcher = await connector.dispatcher()
    try {
      const { statusCode: status, headers, body } = await dispatcher.request(wire)
      return { status, headers, text: await textOf(body, call.list ? MOST_OF_A_LIST : MOST_OF_AN_ANSWER) }
    } catch (error) {
      call.signal?.throwIfAborted()
      const failure = networkFailure(call, options.address, error)
      // Nothing was sent: the certificate was looked at before.
      if (failure.kind === 'tls' && (await connector.readAgain(dispatcher))) return request(call, wire)
      throw failure
    }
  }

  function allowed(location: string | string[] | undefined, call: VaultCall): string {
    const url = typeof location === 'string' && URL.canParse(location, origin) ? new URL(location, origin) : undefined
    const known = url && (url.host === new URL(origin).host || options.redirectHosts.includes(url.host))
    if (url && known && url.protocol === new URL(origin).protocol && url.origin !== origin) return url.origin
    throw new VaultError(
      'redirected',
      `${describeCall(call)} was redirected to ${url?.host ?? 'nowhere'}, which is not a known node of this server`,
      { fix: 'give the address of the active node or a load balancer, or add the host to “other nodes”' },
    )
  }

  async function attempts(
    call: VaultCall,
    token: Secret | undefined,
    signal: AbortSignal,
    deadline: number,
  ): Promise<VaultAnswer> {
    const mayRest = (ms: number) => call.repeatable && performance.now() + ms < deadline
    const rank = rankOf(call)
    for (let attempt = 0; ; attempt += 1) {
      let pauseMs = pauseBefore(attempt, undefined, rank)
      if (attempt > 0) await turns.mine(rank, signal)
      try {
        const { answer, retryAfter } = await exchange(call, token, signal)
        if (answer.status === 429) turns.limited()
        pauseMs = pauseBefore(attempt, retryAfter, rank)
        if (call.accept?.includes(answer.status) || !isWorthRepeating(answer) || !mayRest(pauseMs)) return answer
      } catch (error) {
        const unsent = error instanceof NetworkFailure && error.kind === 'unreachable' && !error.sent
        if (!unsent || !mayRest(pauseMs)) throw error
      }
      await rest(pauseMs, call.signal)
    }
  }

  return {
    send(call, token) {
      const timeoutMs = call.timeoutMs ?? options.timeoutMs
      const rank = rankOf(call)
      return turns.during(rank, async () => {
        await turns.mine(rank, call.signal)
        return within(timeoutMs, call.signal, (signal) => attempts(call, token, signal, performance.now() + timeoutMs))
      })
    },
    close: () => connector.close(),
  }
}

/** Without the session nothing ends, so its calls go first, too. */
function rankOf({ token, rank }: VaultCall): Rank {
  return rank ?? (token === undefined ? 'background' : 'ending')
}

function headersFor(call: VaultCall, token: Secret | undefined, { userAgent, namespace }: TransportOptions) {
  const type = call.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return {
    accept: 'application/json',
    'user-agent': userAgent,
    'x-vault-request': 'true',
    ...(token && { 'x-vault-token': token.reveal() }),
    ...(namespace && call.namespaced !== false && { 'x-vault-namespace': namespace }),
    ...(call.wrapTtlSeconds && { 'x-vault-wrap-ttl': String(call.wrapTtlSeconds) }),
    ...(call.body && { 'content-type': type }),
  }
}

/** The path below `/v1/`, each segment encoded once. Refuses what a proxy or the server would resolve to another path, or not take. */
export function pathOf(call: VaultCall): string {
  const path = call.path.join('/')
  const flaw = unaskable(path)
  if (flaw) throw new VaultError('invalid', `the client does not call the path ${JSON.stringify(path)}: ${flaw}`)
  const query = new URLSearchParams({ ...(call.list && { list: 'true' }), ...call.query }).toString()
  return `${path.split('/').map(encodeURIComponent).join('/')}${call.list ? '/' : ''}${query && `?${query}`}`
}

function encode(body: VaultCall['body']): { body?: string; hidden: string[] } {
  const hidden: string[] = []
  if (body === undefined) return { hidden }
  const text = JSON.stringify(body, function (this: Record<string, unknown>, key, value: unknown) {
    const raw = this[key]
    if (!isSecret(raw)) return value
    hidden.push(raw.reveal())
    return raw.reveal()
  })
  return { body: text, hidden }
}

/** Reading a large answer stops the whole process: none is read that is larger than what was asked for can be. */
async function textOf(body: AsyncIterable<Buffer>, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > most) throw new errors.ResponseExceededMaxSizeError(`more than ${most} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function read(
  status: number,
  body: Readonly<Record<string, unknown>>,
  correlationId: string,
  hidden: readonly string[],
): VaultAnswer {
  const said = (key: string) => (Array.isArray(body[key]) ? body[key].map((line) => scrubbed(String(line), hidden)) : [])
  return {
    status,
    requestId: typeof body['request_id'] === 'string' && body['request_id'] ? body['request_id'] : correlationId,
    correlationId,
    at: new Date().toISOString(),
    body,
    data: isObject(body['data']) ? body['data'] : {},
    warnings: said('warnings'),
    errors: said('errors'),
  }
}

const REFUSALS = new Set([400, 403, 404, 405])
const SAYINGS = ['errors', 'request_id', 'data', 'auth', 'warnings']

/**
 * Whether Vault or OpenBao may have answered so. They refuse with a list of errors, be it empty. What stands before them says no in its
 * own way, and its 404 proves as little about what is there as its 400 about a credential.
 */
function isOurs({ status, text }: { status: number; text: string }, said: Record<string, unknown> | undefined): boolean {
  if (text === '' || (status >= 300 && !REFUSALS.has(status))) return true
  return status < 300 ? said !== undefined : SAYINGS.some((saying) => said && saying in said)
}

/** A sign-in page is no success: a caller that believes its 200 takes for done what never arrived. */
function notOurs(call: VaultCall, status: number, said: Record<string, unknown> | undefined): VaultError {
  return new VaultError(
    'unexpected',
    `${describeCall(call)} answered ${status} ${said ? 'in an unknown form' : 'with no JSON'}: this is not Vault or OpenBao`,
    {
      fix: 'correct the address, or check the proxy in front of the server',
    },
  )
}

/** Undefined for a proxy's HTML page or an empty body: the status says what there is to say. */
function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const body = parseJson(text)
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const scrubbed = (line: string, hidden: readonly string[]) =>
  hidden.reduce((text, value) => (value.length < 4 ? text : text.replaceAll(value, '[secret]')), line)
