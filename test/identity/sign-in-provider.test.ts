import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startDevelopmentProvider } from '../../dev/idp/idp.ts'
import { freePort } from '../../dev/vault/free-port.ts'
import { type Config } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { Secret } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { AUDIENCE, accessClaims, CLIENT, type ForgedIdp, jws, makeKey, startForgedIdp } from '../support/forged-idp.ts'
import { oidcOf } from '../support/idp.ts'
import { Jar, type Page } from '../support/jar.ts'

const MARKUP = '<script>document.title="owned"</script>'

describe('a provider', () => {
  let idp: ForgedIdp
  let broker: Broker
  beforeAll(async () => {
    idp = await startForgedIdp()
    // Not there yet when the daemon starts.
    idp.instead.set('/.well-known/openid-configuration', (response) => response.destroy())
    broker = await startBroker({ config: await configOf(idp) })
  })
  afterEach(() => idp.instead.clear())
  afterAll(async () => {
    await broker?.close()
    await idp?.close()
  })

  async function signIn(jar = new Jar()): Promise<Page> {
    const page = await jar.step(`${broker.url}/auth/login?return=/api/me`)
    if (page.status !== 302) return page
    const question = new URL(page.headers.get('location')!).searchParams
    const answer = new URLSearchParams({ code: idp.code(question), state: question.get('state')!, iss: idp.issuer })
    return jar.get(`${broker.url}/auth/callback?${answer}`)
  }
  const unavailable = { status: 503, body: { code: 'unavailable', fix: expect.any(String) } }

  it('that is down lets the daemon start and nobody in, but who has a token of ours', async () => {
    idp.instead.set('/.well-known/openid-configuration', (response) => response.destroy())
    expect((await broker.admin.get('/api/me')).status).toBe(200)
    expect(await signIn()).toMatchObject(unavailable)
    expect(await broker.api(jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp))).get('/api/me')).toMatchObject(unavailable)
    idp.instead.clear()
    expect((await signIn()).status).toBe(200)
  })

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['its token endpoint hangs up', '/token', (response) => response.destroy()],
    ['its token endpoint is at fault', '/token', (response) => response.writeHead(500).end(MARKUP)],
    ['its token endpoint is busy', '/token', (response) => response.writeHead(429).end()],
    ['its token endpoint says nothing', '/token', () => {}],
  ])('is unavailable while %s', async (_, path, answer) => {
    idp.instead.set(path, answer)
    const page = await signIn()
    expect(page).toMatchObject(unavailable)
    expect(page.text).not.toContain('<')
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['with markup', (response) => page(response, 400, MARKUP)],
    ['with markup for an error', (response) => json(response, 400, { error: MARKUP, error_description: MARKUP })],
    ['with another page', (response) => page(response, 200, MARKUP)],
    ['with a redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['with a list', (response) => json(response, 200, [])],
    ['without an end', endless],
    ['with nothing', (response) => response.writeHead(204).end()],
  ])('is not believed when its token endpoint answers %s', async (_, answer) => {
    idp.instead.set('/token', answer)
    const answered = await signIn()
    expect(answered).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
    expect(answered.text + broker.log.join('')).not.toContain('owned')
  })

  it.each<[string, Record<string, unknown>, number]>([
    ['somebody else', { sub: 'mallory', groups: ['admins'] }, 403],
    ['nobody', { groups: ['admins'] }, 503],
  ])('is not believed when userinfo speaks of %s', async (_, said, status) => {
    idp.idToken = (claims) => jws(idp.rsa, {}, { ...claims, groups: undefined })
    idp.userInfo = said
    expect((await signIn()).status).toBe(status)
  })

  it('that makes somebody of many groups and long texts is cut to what can be kept', async () => {
    idp.idToken = (claims) =>
      jws(idp.rsa, {}, { ...claims, sub: 'big', name: 'x'.repeat(300), groups: Array.from({ length: 600 }, (_, i) => `g${i}`) })
    const { status, body } = await signIn()
    expect(status).toBe(200)
    expect(body.name).toHaveLength(100)
    expect(body.groups).toHaveLength(500)
  })

  it('may rotate its keys between two sign-ins', async () => {
    expect((await signIn()).status).toBe(200)
    const next = makeKey('ES256')
    idp.keys = [next]
    await expect
      .poll(
        () => {
          idp.idToken = (claims) => jws(next, {}, claims)
          return signIn().then(({ status }) => status)
        },
        { timeout: 5000 },
      )
      .toBe(200)
    idp.keys = [idp.rsa]
  })
})

describe('a development provider', () => {
  it('stops the start of a broker that is not for development', async () => {
    const idp = await startDevelopmentProvider({ brokerUrl: 'http://127.0.0.1:1' })
    const config = { publicUrl: 'http://127.0.0.1:1', development: false, oidc: oidcOf(idp) }
    await expect(startBroker({ config })).rejects.toMatchObject({
      code: 'conflict',
      fix: expect.stringContaining('LATCHKEY_OIDC_ISSUER'),
    })
    await idp.close()
  })
})

describe('the provider’s configuration', () => {
  const right = {
    LATCHKEY_OIDC_ISSUER: 'https://idp.example.com/',
    LATCHKEY_OIDC_CLIENT_ID: 'x',
    LATCHKEY_OIDC_CLIENT_SECRET: 'hunter2',
  }

  it('is read with what claims mean', () => {
    const { oidc } = readConfig({ ...right, LATCHKEY_OIDC_ATTRIBUTES: 'department=dept, manager=https://c/mgr' })
    expect(oidc).toMatchObject({
      issuer: 'https://idp.example.com/',
      groupsClaim: 'groups',
      scimClaim: 'sub',
      attributes: { department: 'dept', manager: 'https://c/mgr' },
    })
    expect(JSON.stringify(oidc)).not.toContain('hunter2')
  })

  it.each<[string, NodeJS.ProcessEnv]>([
    ['plain http off the loopback', { LATCHKEY_OIDC_ISSUER: 'http://idp.example.com' }],
    ['plain http to what only looks like the loopback', { LATCHKEY_OIDC_ISSUER: 'http://127.0.0.1.evil.example' }],
    ['an issuer with a query', { LATCHKEY_OIDC_ISSUER: 'https://idp.example.com?x' }],
    ['no client', { LATCHKEY_OIDC_CLIENT_ID: undefined }],
    ['no secret', { LATCHKEY_OIDC_CLIENT_SECRET: undefined }],
    ['two secrets', { LATCHKEY_OIDC_CLIENT_SECRET_FILE: import.meta.filename }],
    [
      'a secret in a file that is not there',
      { LATCHKEY_OIDC_CLIENT_SECRET: undefined, LATCHKEY_OIDC_CLIENT_SECRET_FILE: '/nowhere' },
    ],
    ['no issuer', { LATCHKEY_OIDC_ISSUER: undefined }],
    ['no address of our own', { LATCHKEY_PORT: '0' }],
    ['attributes that are none', { LATCHKEY_OIDC_ATTRIBUTES: 'department' }],
    ['scopes without openid', { LATCHKEY_OIDC_SCOPES: 'profile' }],
  ])('is refused with %s', (_, env) => {
    const given = Object.fromEntries(Object.entries({ ...right, ...env }).filter(([, value]) => value !== undefined))
    expect(() => readConfig(given)).toThrow(/LATCHKEY_/)
  })
})

async function configOf(idp: ForgedIdp): Promise<Partial<Config>> {
  const port = await freePort()
  return {
    port,
    publicUrl: `http://127.0.0.1:${port}`,
    oidc: {
      issuer: idp.issuer,
      clientId: CLIENT,
      clientSecret: new Secret('x'),
      scopes: 'openid',
      groupsClaim: 'groups',
      attributes: {},
      audience: AUDIENCE,
      scimClaim: 'sub',
    },
  }
}

function endless(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = () => {
    while (!response.destroyed && response.write(' '.repeat(65_536))) {}
  }
  response.on('drain', more)
  more()
}

function page(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end(text)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
