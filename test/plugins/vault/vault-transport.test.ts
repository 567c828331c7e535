import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Secret } from '../../../src/sdk/index.ts'
import type { VaultCall } from '../../../vault/index.ts'
import { connected } from '../../support/vault-broker.ts'

const TOKEN = 'hvs.canary'
const READ: VaultCall = { method: 'GET', path: ['kv/metadata/app'], token: new Secret(TOKEN) }
const stops: (() => Promise<unknown>)[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

/** What no real server does on demand. Returns its address and the requests it saw. */
async function odd(answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void) {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => answer(request, response, seen.push(request)))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  stops.push(() => new Promise((closed) => server.close(closed).closeAllConnections()))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { seen, host, address: `http://${host}`, server }
}

async function client(address: string, settings: Record<string, unknown> = {}) {
  const connection = await connected(address, { auth: { method: 'token', token: TOKEN }, ...settings })
  stops.push(() => connection.client.close())
  return connection.client
}

const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  response.writeHead(status, headers).end(JSON.stringify(body))

describe('a server that behaves oddly', () => {
  it('never sees the token when another one redirects to it', async () => {
    const evil = await odd((_, response) => json(response, 200, { data: {} }))
    const good = await odd((_, response) => json(response, 307, {}, { location: `${evil.address}/v1/kv/metadata/app` }))
    const vault = await client(good.address)
    await expect(vault.call(READ)).rejects.toMatchObject({
      code: 'target.redirected',
      message: expect.stringContaining(evil.host),
    })
    for (const status of [301, 302, 303, 308]) {
      const other = await odd((_, response) => json(response, status, {}, { location: evil.address }))
      await expect((await client(other.address)).call(READ)).rejects.toMatchObject({ code: 'target.unexpected' })
    }
    expect(evil.seen).toEqual([])
  })

  it('is left for the active node when that is one of the hosts we know, once and at the same path', async () => {
    const active = await odd((_, response) => json(response, 200, { data: { from: 'active' } }))
    const standby = await odd((_, response) => json(response, 307, {}, { location: `${active.address}/v1/somewhere/else` }))
    const vault = await client(standby.address, { redirectHosts: [active.host] })
    expect((await vault.call(READ)).data).toEqual({ from: 'active' })
    expect(active.seen[0]).toMatchObject({ url: '/v1/kv/metadata/app', headers: { 'x-vault-token': TOKEN } })
    const circle = await odd((_, response) => json(response, 307, {}, { location: `${standby.address}/` }))
    await expect((await client(circle.address, { redirectHosts: [standby.host] })).call(READ)).rejects.toMatchObject({
      code: 'target.unexpected',
    })
  })

  it('is asked again as late as it wishes', async () => {
    // Who comes sooner is refused once more. Ours may come some milliseconds early: clocks of timers are coarse.
    let from = Number.POSITIVE_INFINITY
    const busy = await odd((_, response) => {
      if (performance.now() >= from) return json(response, 200, {})
      from = Math.min(from, performance.now() + 990)
      return json(response, 429, { errors: ['rate limit quota exceeded'] }, { 'retry-after': '1' })
    })
    expect((await (await client(busy.address)).call({ ...READ, repeatable: true })).status).toBe(200)
    expect(busy.seen).toHaveLength(2)
  })

  it('is asked again while it has no leader, and only by calls that bear repetition', async () => {
    const leaderless = await odd((_, response, nth) =>
      nth % 3 === 0 ? json(response, 200, {}) : json(response, 503, { errors: ['no active Vault instance found'] }),
    )
    const vault = await client(leaderless.address)
    expect((await vault.call({ ...READ, repeatable: true })).status).toBe(200)
    await expect(vault.call(READ)).rejects.toMatchObject({ code: 'target.unready' })
    expect(leaderless.seen).toHaveLength(4)
    // Nor where it wishes to be asked after the time of the call.
    const later = await odd((_, response) => json(response, 503, { errors: ['no active node'] }, { 'retry-after': '60' }))
    await expect(
      (await client(later.address)).call({ ...READ, repeatable: true, rank: 'background', timeoutMs: 4_000 }),
    ).rejects.toMatchObject({
      code: 'target.unready',
    })
    expect(later.seen).toHaveLength(1)
  })

  it('may answer with a page of its proxy, with nothing, or in the middle of a word', async () => {
    const page = await odd((_, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'))
    await expect((await client(page.address)).call(READ)).rejects.toMatchObject({ code: 'target.failed' })
    const empty = await odd((_, response) => response.writeHead(404).end())
    await expect((await client(empty.address)).call(READ)).rejects.toMatchObject({ code: 'target.not_found' })
    const hangup = await odd((_, response) => response.destroy())
    await expect((await client(hangup.address)).call(READ)).rejects.toMatchObject({ code: 'target.unreachable' })
    const torn = await odd((_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"data":')
      setImmediate(() => response.destroy())
    })
    await expect((await client(torn.address)).call(READ)).rejects.toMatchObject({ code: 'target.unreachable' })
  })

  it('does not fill our memory', async () => {
    const endless = await odd((_, response) => {
      const chunk = Buffer.alloc(1 << 20, 0x20)
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', more)
      more()
    })
    await expect((await client(endless.address)).call(READ)).rejects.toMatchObject({
      code: 'target.unexpected',
      message: expect.stringContaining('too large'),
    })
  })

  it('is read as far as its answer can go: ten megabytes of a list, and not of a secret', async () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `${'n'.repeat(95)}${index}`)
    const large = await odd((_, response) => json(response, 200, { data: { keys: names } }))
    const vault = await client(large.address)
    const list: VaultCall = { ...READ, list: true }
    expect((await vault.call(list)).data['keys']).toHaveLength(names.length)
    await expect(vault.call(READ)).rejects.toMatchObject({
      code: 'target.unexpected',
      message: expect.stringContaining('too large'),
    })
  })

  it('does not hold a call beyond its time by dripping', async () => {
    const drip = await odd((_, response) => {
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    })
    await expect((await client(drip.address)).call({ ...READ, timeoutMs: 200 })).rejects.toMatchObject({ code: 'target.timeout' })
  })

  it('gets our name, the mark of a request and the namespace, but no namespace where health is asked', async () => {
    const server = await odd((_, response) => json(response, 200, {}))
    const vault = await client(`${server.address}/behind/a/proxy/`, { namespace: 'team/a/' })
    await vault.call({ ...READ, wrapTtlSeconds: 60 })
    await vault.call({ method: 'GET', path: ['sys/health'], token: 'none', namespaced: false })
    expect(server.seen[0]).toMatchObject({
      url: '/behind/a/proxy/v1/kv/metadata/app',
      headers: {
        'x-vault-request': 'true',
        'user-agent': 'latchkey/0.0.0',
        'x-vault-namespace': 'team/a',
        'x-vault-wrap-ttl': '60',
      },
    })
    expect(server.seen[1]?.headers).not.toHaveProperty('x-vault-namespace')
    expect(server.seen[1]?.headers).not.toHaveProperty('x-vault-token')
  })

  it('is reached through a proxy, the configured one or the environment’s, unless it is exempt', async () => {
    const server = await odd((_, response) => json(response, 200, { data: { reached: true } }))
    const proxy = await odd((request, response) => {
      const onward = forward(request.url ?? '', { headers: request.headers, method: request.method }, (answer) => {
        response.writeHead(answer.statusCode ?? 502)
        answer.pipe(response)
      })
      request.pipe(onward)
    })
    proxy.server.on('connect', (request: IncomingMessage, socket) => {
      proxy.seen.push(request)
      const onward = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        onward.pipe(socket).pipe(onward)
      })
    })
    expect((await (await client(server.address, { proxy: proxy.address })).call(READ)).data).toEqual({ reached: true })
    expect(proxy.seen).toHaveLength(1)
    vi.stubEnv('HTTP_PROXY', proxy.address)
    await (await client(server.address)).call(READ)
    expect(proxy.seen).toHaveLength(2)
    vi.stubEnv('NO_PROXY', '127.0.0.1')
    await (await client(server.address)).call(READ)
    expect(proxy.seen).toHaveLength(2)
  })

  it('is not spoken to in the clear unless it is on this machine', async () => {
    await expect(client('http://vault.example.com:8200')).rejects.toMatchObject({
      code: 'input.invalid',
      field: 'config.address',
    })
  })
})
