import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'

/** What the server answered, or what the proxy answers in its place. */
export interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: string
}

/** One call on its way, in the hands of a fault. */
export interface CallUnderWay {
  /** as in `calls`; undefined when it belongs to no grant */
  readonly name: string | undefined
  readonly method: string
  /** after `/v1/` */
  readonly path: string
  readonly body: string
  /** to the server, which applies it, or applies another body in place of it */
  forward(instead?: string): Promise<Reply>
  /** to the caller; resolves when the bytes are out */
  reply(reply: Reply): Promise<void>
  /** the caller's connection breaks */
  drop(): void
  /** resolves when the caller has hung up */
  readonly abandoned: Promise<void>
}

export type Fault = (call: CallUnderWay) => Promise<void>

/** The n-th call of that shape since `begin`. */
export interface Boundary {
  readonly name: string
  readonly nth: number
}

export interface FaultProxy {
  readonly url: string
  /** from here on the calls of a flow are numbered again, and no fault is due */
  begin(): void
  /** the calls of the flow so far, in the order in which they came: `POST auth/apono/users/:user` */
  readonly calls: readonly string[]
  /** how long nothing has been under way, in milliseconds */
  quietMs(): number
  /** resolves when the fault has struck */
  strike(boundary: Boundary, fault: Fault): Promise<void>
  /** what happens to every call from now on, the broker's own included; undefined: nothing */
  always(fault?: Fault): void
  close(): Promise<void>
}

const LATE_MS = 15_000

/** Stands between a broker and its server and knows each call of a grant by its name. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const dispatcher = new Agent({ pipelining: 0 })
  const signs = new Set<string>()
  let calls: string[] = []
  let due: (Boundary & { fault: Fault; late: NodeJS.Timeout; struck: PromiseWithResolvers<void> }) | undefined
  let always: Fault | undefined
  let underWay = 0
  let quietSince = performance.now()

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await wholeOf(incoming)
    const call = callUnderWay(target, dispatcher, signs, incoming, body, outgoing)
    const { name } = call
    if (name !== undefined) calls.push(name)
    const nth = calls.filter((each) => each === name).length
    if (name !== undefined && due?.name === name && due.nth === nth) {
      const { fault, late, struck } = due
      clearTimeout(late)
      due = undefined
      return fault(call).then(struck.resolve, struck.reject)
    }
    await (always ?? pass)(call)
  }

  const server = http.createServer((incoming, outgoing) => {
    underWay += 1
    handle(incoming, outgoing)
      .catch(() => outgoing.destroy())
      .finally(() => {
        underWay -= 1
        quietSince = performance.now()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begin() {
      calls = []
      due = undefined
    },
    get calls() {
      return calls
    },
    quietMs: () => (underWay > 0 ? 0 : performance.now() - quietSince),
    strike(boundary, fault) {
      const struck = Promise.withResolvers<void>()
      const late = setTimeout(() => struck.reject(new Error(`no such call came: ${boundary.name}, but ${calls.join()}`)), LATE_MS)
      due = { ...boundary, fault, late, struck }
      return struck.promise
    },
    always(fault) {
      always = fault
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await dispatcher.destroy()
    },
  }
}

export const pass: Fault = async (call) => call.reply(await call.forward())

function callUnderWay(
  target: string,
  dispatcher: Agent,
  signs: Set<string>,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
): CallUnderWay {
  const abandoned = new Promise<void>((resolve) => outgoing.once('close', resolve))
  const { connection: _connection, host: _host, ...headers } = incoming.headers
  const path = new URL(incoming.url ?? '', 'http://proxy').pathname.replace(/^\/v1\//, '')
  return {
    name: looksForSign(path, body, signs) ? undefined : nameOf(incoming),
    method: incoming.method ?? '',
    path,
    body: body.toString(),
    abandoned,
    async forward(instead) {
      const { 'content-length': _length, ...others } = headers
      const answer = await request(target + (incoming.url ?? ''), {
        method: incoming.method as 'GET',
        headers: instead === undefined ? headers : others,
        body: instead ?? (body.length > 0 ? body : null),
        dispatcher,
      })
      const text = await answer.body.text()
      if (path === 'sys/wrapping/wrap' && answer.statusCode === 200) signs.add(JSON.parse(text).wrap_info.accessor)
      return {
        status: answer.statusCode,
        headers: { 'content-type': String(answer.headers['content-type'] ?? 'text/plain') },
        body: text,
      }
    },
    async reply(reply) {
      const out = new Promise<void>((resolve) => outgoing.writeHead(reply.status, reply.headers).end(reply.body, resolve))
      await Promise.race([out, abandoned])
    },
    drop: () => void outgoing.destroy(),
  }
}

/** The broker looks every few seconds whether an earlier state was put back. That asks as a grant does, for an accessor of its own. */
function looksForSign(path: string, body: Buffer, signs: Set<string>): boolean {
  return path === 'auth/token/lookup-accessor' && signs.has(JSON.parse(body.toString()).accessor)
}

/**
 * The call without the names that differ from grant to grant; undefined for what belongs to no grant and no run: the broker's own login, its looks
 * at the server's health, its probes, its walks.
 */
function nameOf({ method = '', url = '' }: IncomingMessage): string | undefined {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  const path = pathname
    .replace(/^\/v1\/|\/$/g, '')
    .replace(/\b\d{10}-\d{41}\b/, ':user')
    .replace(/\/apono-g-[0-9a-z]{26}$/, '/:policy')
    .replace(/^identity\/entity\/id\/.+$/, 'identity/entity/id/:id')
    .replace(/^(secret\/[a-z]+\/certs\/\w+)\/[\w.-]+$/, '$1/:cn')
  const isOfAFlow =
    /:(user|policy|id|cn)\b|^identity\/lookup\/entity$|^auth\/token\/lookup-accessor$|^sys\/internal\/ui\/mounts$|^kv\/data\/app\/db$|^sys\/policies\/acl\/team-/
  if (!isOfAFlow.test(path)) return undefined
  return `${searchParams.get('list') === 'true' ? 'LIST' : method} ${path}`
}

async function wholeOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
