import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { AUDIENCE, accessClaims, idClaims, jws, startForgedIdp } from '../support/forged-idp.ts'
import { type ForgedWorld, startForgedWorld } from '../support/forged-world.ts'
import type { Jar } from '../support/jar.ts'

let world: ForgedWorld
beforeAll(async () => {
  world = await startForgedWorld({ accessTokenType: 'at+jwt' })
})
afterEach(() => {
  world.idp.instead.clear()
  world.idp.metadata = {}
})
afterAll(() => world?.close())

const refusals = async (where = world) =>
  (
    await where.broker.database.query<{ body: string; actor: string }>(
      `select body, actor from audit_events where kind = 'sign_in.refused' order by id`,
    )
  ).map(({ body, actor }) => ({ ...JSON.parse(body), actor }))

const html = (status: number) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>no backend</h1>')
const said = (status: number, error: string) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))

describe('a provider', () => {
  it('may move its endpoints: what it says of itself is read again after a failure', async () => {
    const moving = await startForgedWorld()
    const { idp, broker } = moving
    expect((await moving.signIn()).page.status).toBe(200)
    idp.metadata = { authorization_endpoint: `${idp.issuer}/new/authorize`, token_endpoint: `${idp.issuer}/new/token` }
    idp.instead.set('/token', html(404))
    expect((await moving.signIn()).page.status).toBe(403)
    await expect
      .poll(async () => String((await broker.api().get('/auth/login')).headers['location']))
      .toMatch(/\/new\/authorize\?/)
    expect((await moving.signIn()).page.status).toBe(200)
    await moving.close()
  })

  it('may change what it says of itself: it is read again after a while', async () => {
    const aging = await startForgedWorld({ metadataMinutes: 1 / 60_000 })
    const { idp, broker } = aging
    idp.metadata = { authorization_endpoint: `${idp.issuer}/new/authorize` }
    await expect
      .poll(async () => String((await broker.api().get('/auth/login')).headers['location']), { timeout: 5000 })
      .toMatch(/\/new\/authorize\?/)
    await aging.close()
  })

  it('is given the client’s secret in the form, where it takes it there alone', async () => {
    const { idp } = world
    await world.signIn()
    expect(idp.proof.header).toMatch(/^Basic /)
    expect(idp.proof.form.has('client_secret')).toBe(false)
    const other = await startForgedIdp()
    other.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'] }
    const post = await startForgedWorld({}, { idp: other })
    expect((await post.signIn()).page.status).toBe(200)
    expect(other.proof.header).toBeUndefined()
    expect(other.proof.form.get('client_secret')).toBe('x')
    await post.close()
    await other.close()
  })

  it('is reached through the proxy that the environment names', async () => {
    const seen: string[] = []
    const proxy = createServer((incoming: IncomingMessage, response) => void forward(incoming, response))
    const forward = async (incoming: IncomingMessage, response: ServerResponse) => {
      seen.push(incoming.url ?? '')
      const { statusCode, headers, body } = await request(incoming.url ?? '', {
        method: incoming.method as 'GET',
        headers: Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !/^(proxy-)?connection$/.test(name))),
        body: incoming.method === 'POST' ? incoming : null,
      })
      response.writeHead(statusCode, headers)
      body.pipe(response)
    }
    proxy.on('connect', (incoming, socket) => {
      seen.push(incoming.url ?? '')
      const { hostname, port } = new URL(`http://${incoming.url}`)
      const to = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        to.pipe(socket).pipe(to)
      })
      to.on('error', () => socket.destroy())
      socket.on('error', () => to.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    process.env['HTTP_PROXY'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const behind = await startForgedWorld()
    delete process.env['HTTP_PROXY']
    expect((await behind.signIn()).page.status).toBe(200)
    expect(seen.join(' ')).toContain(new URL(behind.idp.issuer).host)
    await behind.close()
    proxy.closeAllConnections()
    proxy.close()
  })

  it('that calls itself otherwise is no outage: it is said how', async () => {
    for (const [issuer, words] of [
      [`${world.idp.issuer}/`, `set LATCHKEY_OIDC_ISSUER=${world.idp.issuer}`],
      [`${world.idp.issuer}/nowhere`, 'letter by letter'],
    ] as const) {
      const wrong = await startForgedWorld({ issuer }, { idp: world.idp })
      const { body } = await wrong.broker.api().get('/auth/login')
      expect(body).toMatchObject({ status: 503, fix: expect.stringContaining(words) })
      expect(body.message).not.toContain('gave an answer that the broker cannot use')
      expect(wrong.broker.log.join('')).toContain(issuer)
      await wrong.close()
    }
  })

  it('is asked for no more than an ordinary sign-in, and for what is set besides', async () => {
    const right = { LATCHKEY_OIDC_ISSUER: 'https://i.example/', LATCHKEY_OIDC_CLIENT_ID: 'x', LATCHKEY_OIDC_CLIENT_SECRET: 'x' }
    expect(readConfig(right).oidc?.scopes).toBe('openid profile email')
    const { oidc } = readConfig({ ...right, LATCHKEY_OIDC_PARAMETERS: 'access_type=offline, prompt=consent' })
    expect(oidc?.authorizationParameters).toEqual({ access_type: 'offline', prompt: 'consent' })
    for (const own of ['state=x', 'redirect_uri=https://evil.example', 'scope=all', 'client_id=y', 'response_mode=form_post']) {
      expect(() => readConfig({ ...right, LATCHKEY_OIDC_PARAMETERS: own }), own).toThrow('LATCHKEY_OIDC_PARAMETERS')
    }
    const google = await startForgedWorld({ authorizationParameters: { access_type: 'offline' } }, { idp: world.idp })
    const asked = new URL(String((await google.broker.api().get('/auth/login')).headers['location'])).searchParams
    expect(asked.get('access_type')).toBe('offline')
    expect(asked.get('resource')).toBeNull()
    expect((await google.broker.api().get('/auth/options')).body).toMatchObject({
      resource: null,
      scopes: 'openid profile email api.request api.approve api.manage api.audit',
    })
    await google.close()
  })
})

describe('what a provider answers', () => {
  const decide = async (jar: Jar) => {
    await world.broker.database.query(`update identities set confirmed_at = now() - interval '2 minutes'`)
    return jar.post(`${world.broker.url}/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' })
  }

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['the broker’s secret was made again', '/token', said(401, 'invalid_client')],
    ['the broker’s client may not refresh', '/token', said(400, 'unauthorized_client')],
    ['a scope is gone', '/token', said(400, 'invalid_scope')],
    ['a proxy knows no token endpoint', '/token', html(404)],
    ['a proxy wants somebody to sign in', '/userinfo', html(401)],
    ['a proxy knows no userinfo', '/userinfo', html(404)],
    ['userinfo is not allowed so', '/userinfo', html(405)],
  ])('ends nobody’s session while %s', async (_, path, answer) => {
    world.idp.refreshes = true
    world.idp.userInfo = { sub: 'stays', groups: ['staff'] }
    const { jar } = await world.signIn({ sub: 'stays', groups: undefined })
    world.idp.expireAccess()
    world.idp.instead.set(path, answer)
    expect(await decide(jar)).toMatchObject({ status: 503, body: { code: 'unavailable', fix: expect.any(String) } })
    expect((await jar.get(`${world.broker.url}/api/me`)).status).toBe(200)
    world.idp.instead.clear()
    expect((await decide(jar)).status, 'there is no such request').toBe(404)
    world.idp.refreshes = false
  })

  it('is its no, when neither the access token nor the refresh token is taken', async () => {
    world.idp.refreshes = true
    const { jar } = await world.signIn({ sub: 'goes' })
    world.idp.expireAccess()
    world.idp.instead.set('/token', said(400, 'invalid_grant'))
    expect((await decide(jar)).status).toBe(401)
    expect((await jar.get(`${world.broker.url}/api/me`)).status).toBe(401)
    expect((await refusals()).at(-1)).toMatchObject({ road: 'confirmation', reason: 'invalid_grant' })
    world.idp.refreshes = false
  })

  it('at a sign-in is told with its code, and who is at fault', async () => {
    world.idp.instead.set('/token', said(401, 'invalid_client'))
    expect((await world.signIn()).page).toMatchObject({
      status: 503,
      body: { message: expect.stringContaining('invalid_client'), fix: expect.stringContaining('LATCHKEY_OIDC_CLIENT_SECRET') },
    })
    expect((await refusals()).at(-1)).toMatchObject({ road: 'callback', reason: expect.stringContaining('invalid_client') })
  })

  it('names the person in the trail, once that is proved', async () => {
    const { page } = await world.signIn({ sub: 'named' })
    await world.broker.admin.patch(`/api/users/${page.body.id}`, { state: 'disabled' })
    expect((await world.signIn({ sub: 'named' })).page.status).toBe(403)
    expect((await refusals()).at(-1)).toMatchObject({
      actor: page.body.id,
      road: 'callback',
      reason: 'this person is disabled here',
    })
    await world.bearer({ sub: 'named', aud: 'somebody-else' }).get('/api/me')
    expect((await refusals()).at(-1)).toMatchObject({ actor: page.body.id, road: 'bearer' })
    const forged = jws({ ...world.idp.stranger, kid: 'rsa' }, { typ: 'at+jwt' }, accessClaims(world.idp, { sub: 'named' }))
    await world.broker.api(forged).get('/api/me')
    expect((await refusals()).at(-1)).toMatchObject({ actor: 'somebody', road: 'bearer' })
    expect((await world.broker.api(forged).get('/api/me')).body.message).toBe(
      (await world.broker.api().get('/api/me')).body.message,
    )
  })
})

describe('an access token that does not serve', () => {
  it.each<[string, Record<string, unknown>, string, string, string]>([
    ['for somebody else', { aud: 'x' }, 'at+jwt', 'audience', 'LATCHKEY_OIDC_AUDIENCE'],
    ['that has expired', { iat: 1_700_000_000, exp: 1_700_000_300 }, 'at+jwt', 'expired', 'latchkey login'],
    ['of another type', {}, 'JWT', 'at+jwt', 'LATCHKEY_OIDC_ACCESS_TOKEN_TYPE'],
    ['of a program', { clientHost: '10.0.0.1' }, 'at+jwt', 'belongs to a program', 'API token'],
  ])('is told why when it is one %s', async (_, claims, typ, message, fix) => {
    const { body, status } = await world.bearer(claims, typ).get('/api/me')
    expect({ status, ...body }).toMatchObject({
      status: 401,
      code: 'auth.required',
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
    })
  })

  it('is large at some companies, and is told so when it is too large', async () => {
    const groups = Array.from({ length: 450 }, (_, i) => `/a long path of groups/${i}/${'x'.repeat(20)}`)
    expect((await world.bearer({ sub: 'large', groups }).get('/api/me')).body.groups).toHaveLength(450)
    const huge = await world.bearer({ sub: 'huge', padding: 'x'.repeat(70_000) }).get('/api/me')
    expect(huge).toMatchObject({ status: 431, body: { code: 'input.too_large', fix: expect.stringContaining('fewer groups') } })
    const big = await world.bearer({ sub: 'big', padding: 'x'.repeat(40_000) }).get('/api/me')
    expect(big).toMatchObject({ status: 401, body: { message: expect.stringContaining('larger than 48 KiB') } })
    const { page } = await world.signIn({ sub: 'many', groups: Array.from({ length: 400 }, (_, i) => `g${i}-${'x'.repeat(40)}`) })
    expect(page.body.groups).toHaveLength(400)
  })

  it('need not be marked as one where that is set, and must then be told apart from an ID token otherwise', async () => {
    const loose = await startForgedWorld({ accessTokenType: 'jwt' }, { idp: world.idp })
    const right = { scope: 'openid', client_id: 'latchkey-cli' }
    for (const typ of ['JWT', 'at+jwt']) expect((await loose.bearer(right, typ).get('/api/me')).status).toBe(200)
    expect(
      (await loose.bearer({ scp: 'api', client_id: undefined, azp: 'latchkey-cli', typ: 'Bearer' }, 'JWT').get('/api/me')).status,
    ).toBe(200)
    for (const [name, wrong] of Object.entries({
      'of another program': { ...right, client_id: 'other' },
      'of two programs': { ...right, azp: 'other' },
      'of no program': { ...right, client_id: undefined },
      'that says not what for': { client_id: 'latchkey-cli', scope: undefined },
      'tied to another token': { ...right, at_hash: 'x' },
      'of a sign-in': { ...right, nonce: 'x' },
      'that Keycloak calls an ID token': { ...right, typ: 'ID' },
    })) {
      expect((await loose.bearer(wrong, 'JWT').get('/api/me')).status, name).toBe(401)
    }
    const idToken = jws(world.idp.rsa, { typ: 'JWT' }, idClaims(world.idp, { aud: AUDIENCE, azp: 'latchkey-cli' }))
    expect((await loose.broker.api(idToken).get('/api/me')).status).toBe(401)
    await loose.close()
    const right2 = { LATCHKEY_OIDC_ISSUER: 'https://i.example/', LATCHKEY_OIDC_CLIENT_ID: 'x', LATCHKEY_OIDC_CLIENT_SECRET: 'x' }
    expect(() => readConfig({ ...right2, LATCHKEY_OIDC_ACCESS_TOKEN_TYPE: 'jwt', LATCHKEY_OIDC_AUDIENCE: 'x' })).toThrow(
      'LATCHKEY_OIDC_AUDIENCE',
    )
  })
})
