import { describe, expect, it } from 'vitest'
import type { Broker } from '../support/broker.ts'
import { AUDIENCE, accessClaims, CLIENT, type ForgedIdp, idClaims, jws, logoutClaims, makeKey } from '../support/forged-idp.ts'
import { forgedHere } from '../support/forged-world.ts'
import { type Forge, forgeries, HOUR, type Json } from '../support/forgeries.ts'
import { Jar, type Page } from '../support/jar.ts'
import type { Standing } from '../support/standing.ts'

const MARKUP = '<img src=x onerror=alert(1)>'

let idp: ForgedIdp
let broker: Broker
const { standing, expectRefused } = forgedHere((world) => {
  ;({ idp, broker } = world)
})

describe('a call with an access token', () => {
  const me = (token: string) => broker.api(token).get('/api/me')

  it('is answered when the token is right, and by either kind of key', async () => {
    for (const token of [
      jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp)),
      jws(idp.ec, { typ: 'application/at+jwt' }, accessClaims(idp)),
    ]) {
      expect(await me(token)).toMatchObject({ status: 200, body: { name: 'Ann', groups: [{ name: 'staff' }], tokenId: null } })
    }
  })

  it.each<[string, Forge]>([
    ...forgeries(accessClaims, 'at+jwt'),
    ['that is an ID token', (at) => jws(at.rsa, { typ: 'JWT' }, idClaims(at))],
    ['that is an ID token for the API', (at) => jws(at.rsa, { typ: 'JWT' }, idClaims(at, { aud: AUDIENCE }))],
    ['that is an ID token called an access token', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { nonce: 'n' }))],
    ['that is a logout token', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { aud: AUDIENCE }))],
    ['that has no typ', (at) => jws(at.rsa, { typ: undefined }, accessClaims(at))],
    ['of nobody', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { sub: undefined }))],
    ['of an empty subject', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { sub: '' }))],
    ['of a subject that is a number', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { sub: 7 }))],
    ['of a program', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { sub: 'robot', client_id: 'robot' }))],
    [
      'of a stranger who says nothing of themselves',
      (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { sub: 'new', groups: undefined })),
    ],
    ['of a client that nobody listed', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { client_id: 'some-other-app' }))],
    [
      'of two clients, one of them not listed',
      (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { azp: 'some-other-app' })),
    ],
    ['that names no client', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { client_id: undefined }))],
    ['made two days ago', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { iat: at.now() - 48 * HOUR }))],
    ['whose audience is only like ours', (at) => jws(at.rsa, { typ: 'at+jwt' }, accessClaims(at, { aud: `${AUDIENCE}:other` }))],
  ])('is refused when it is one %s', async (name, forge) => {
    const before = await standing()
    const token = forge(idp)
    const answer = await me(token)
    expect(answer, name).toMatchObject({ status: 401, body: { code: 'auth.required' } })
    // What the provider has signed is told why it does not serve; everything else is told nothing.
    const { message: nothing } = (await broker.api().get('/api/me')).body
    expect(answer.body.message).toMatch(
      name.startsWith('signed') || name.startsWith('unsigned') ? nothing : /^the access token |^the call carries no/,
    )
    if (token.split('.').length === 3) await expectRefused('bearer', before, token)
  })

  it('is refused by the server itself when the token is larger than a header may be', async () => {
    const before = await standing()
    const token = jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp, { padding: 'x'.repeat(70_000) }))
    expect((await me(token)).status).toBe(431)
    expect((await standing()).people).toBe(before.people)
  })

  it('may do what its scopes are mapped to, and without any it reads', async () => {
    const with_ = (claims: Json) => broker.api(jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp, { sub: 'scoped', ...claims })))
    for (const [claims, scopes] of [
      [{ scope: undefined }, ['read']],
      [{ scope: 'openid approve manage' }, ['read']],
      [{ scope: 'api.approve openid' }, ['read', 'approve']],
      [{ scope: undefined, scp: ['api.request', 'api.audit'] }, ['read', 'request', 'audit']],
      [{ scope: undefined, scp: 'api.request api.manage' }, ['read', 'request', 'manage']],
      [{ scope: { approve: true }, scp: 7 }, ['read']],
    ] as const) {
      expect((await with_(claims).get('/api/me')).body.scopes).toEqual(scopes)
    }
    const press = (claims: Json) =>
      with_(claims).post(`/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' })
    expect(await press({ scope: 'openid' })).toMatchObject({
      status: 403,
      body: { fix: expect.stringContaining('LATCHKEY_OIDC_API_SCOPES') },
    })
    expect((await press({ scope: 'api.approve' })).status, 'there is no such request').toBe(404)
    const wish = { name: 'x', scopes: ['approve'], expiresInSeconds: 60 }
    expect((await with_({ scope: 'api.approve' }).post('/api/tokens', wish)).status).toBe(403)
    expect((await with_({ scope: 'api.manage' }).post('/api/tokens', wish)).body).toMatchObject({ field: 'scopes' })
  })

  it('is worth nothing once the provider has said no, until it makes another', async () => {
    const at = (age: number) => jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp, { sub: 'refused', iat: idp.now() - age }))
    expect((await me(at(30))).status).toBe(200)
    await broker.database.query(`update identities set refused_at = now() - interval '20 seconds' where subject = 'refused'`)
    expect((await me(at(30))).status).toBe(401)
    expect((await me(at(10))).status).toBe(200)
  })

  it('decides only when the token is a minute old at most, or the provider was asked since', async () => {
    const decide = (age: number) => {
      const token = jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp, { sub: 'decider', iat: idp.now() - age }))
      return broker.api(token).post(`/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' })
    }
    expect((await decide(0)).status, 'there is no such request').toBe(404)
    expect((await decide(100)).status, 'asked a moment ago').toBe(404)
    await broker.database.query(`update identities set confirmed_at = now() - interval '90 seconds' where subject = 'decider'`)
    expect(await decide(100)).toMatchObject({ status: 401, body: { fix: expect.stringContaining('latchkey login') } })
    expect((await decide(1)).status).toBe(404)
  })

  it('fetches no key from where a token points', () => {
    expect(idp.asked.filter((path) => path.startsWith('/their'))).toEqual([])
  })

  it('goes on when the provider rotates its keys, and ends for the old ones', async () => {
    const next = makeKey('RS256')
    idp.keys = [next]
    await expect.poll(async () => (await me(jws(next, { typ: 'at+jwt' }, accessClaims(idp)))).status, { timeout: 5000 }).toBe(200)
    expect((await me(jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp)))).status).toBe(401)
    idp.keys = [idp.rsa, idp.ec]
    await expect
      .poll(async () => (await me(jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp)))).status, { timeout: 5000 })
      .toBe(200)
  })
})

describe('a sign-in', () => {
  interface Flow {
    readonly jar: Jar
    readonly question: URLSearchParams
    readonly answer: (parameters?: Record<string, string | undefined>) => Promise<Page>
  }

  async function begin(jar = new Jar()): Promise<Flow> {
    const page = await jar.step(`${broker.url}/auth/login?return=/api/me`)
    const question = new URL(page.headers.get('location')!).searchParams
    return {
      jar,
      question,
      answer: (parameters = {}) => {
        const right = { code: idp.code(question), state: question.get('state')!, iss: idp.issuer }
        const given = Object.entries({ ...right, ...parameters }).filter(
          (pair): pair is [string, string] => pair[1] !== undefined,
        )
        return jar.get(`${broker.url}/auth/callback?${new URLSearchParams(given)}`)
      },
    }
  }

  let nonceNow: unknown

  it('asks with PKCE, state and nonce, and lets in who answers right, with a new session id', async () => {
    const { jar, question, answer } = await begin()
    expect(Object.fromEntries(question)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^.{20,}$/),
      nonce: expect.stringMatching(/^.{20,}$/),
      redirect_uri: `${broker.url}/auth/callback`,
    })
    const cookies = () => [...jar.cookies.values()].map(({ value }) => value)
    const before = cookies()
    expect(await answer()).toMatchObject({ status: 200, body: { name: 'Ann' } })
    expect(before).toHaveLength(1)
    expect(cookies()).toHaveLength(1)
    expect(cookies()).not.toEqual(before)
  })

  async function expectKeptOut(flow: Flow, page: Page, before: Standing, brought?: string): Promise<void> {
    expect(page).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
    expect((await flow.jar.get(`${broker.url}/api/me`)).status).toBe(401)
    await expectRefused('callback', before, brought)
  }

  it.each<[string, (idp: ForgedIdp, claims: Json) => string | undefined]>([
    // The nonce of this sign-in is in every forgery: it is not what it fails by.
    ...forgeries((at, more) => idClaims(at, { nonce: nonceNow, ...more }), 'JWT'),
    ['of another sign-in', (at, claims) => jws(at.rsa, {}, { ...claims, nonce: 'another' })],
    ['without a nonce', (at, claims) => jws(at.rsa, {}, { ...claims, nonce: undefined })],
    ['of nobody', (at, claims) => jws(at.rsa, {}, { ...claims, sub: undefined })],
    ['of an empty subject', (at, claims) => jws(at.rsa, {}, { ...claims, sub: '' })],
    ['for two, of a third', (at, claims) => jws(at.rsa, {}, { ...claims, aud: [CLIENT, 'other'], azp: 'other' })],
    ['for two, of nobody', (at, claims) => jws(at.rsa, {}, { ...claims, aud: [CLIENT, 'other'], azp: undefined })],
    ['for us, of a third', (at, claims) => jws(at.rsa, {}, { ...claims, azp: 'other' })],
    ['that is an access token', (at, claims) => jws(at.rsa, { typ: 'at+jwt' }, claims)],
    [
      'that is a logout token',
      (at, claims) => jws(at.rsa, { typ: 'logout+jwt' }, { ...logoutClaims(at), nonce: claims['nonce'] }),
    ],
    ['that is larger than any', (at, claims) => jws(at.rsa, {}, { ...claims, padding: 'x'.repeat(60_000) })],
    ['that is not there', () => undefined],
    ['that is no token', () => 'x'],
  ])('is refused with an ID token %s', async (_, forge) => {
    const before = await standing()
    const flow = await begin()
    let brought: string | undefined
    idp.idToken = (claims) => {
      nonceNow = claims['nonce']
      brought = forge(idp, claims)
      return brought
    }
    await expectKeptOut(flow, await flow.answer(), before, brought)
  })

  it.each<[string, (flow: Flow) => Promise<Page>]>([
    ['without a state', ({ answer }) => answer({ state: undefined })],
    ['with another state', ({ answer }) => answer({ state: 'x'.repeat(43) })],
    ['of another issuer', ({ answer }) => answer({ iss: 'https://evil.example' })],
    ['of no issuer', ({ answer }) => answer({ iss: undefined })],
    ['with a code nobody gave', ({ answer }) => answer({ code: 'made-up' })],
    ['with an empty code', ({ answer }) => answer({ code: '' })],
    ['with the code of another sign-in', async ({ answer }) => answer({ code: idp.code((await begin()).question) })],
    ['with a code that was asked for without PKCE', ({ answer }) => answer({ code: idp.code(new URLSearchParams()) })],
    [
      'with a code for another challenge',
      ({ answer, question }) =>
        answer({ code: idp.code(new URLSearchParams({ ...Object.fromEntries(question), code_challenge: 'x' })) }),
    ],
    ['that says no', ({ answer }) => answer({ code: undefined, error: 'access_denied' })],
    [
      'that is an error full of markup',
      ({ answer }) => answer({ code: undefined, error: MARKUP, error_description: MARKUP, error_uri: `javascript:${MARKUP}` }),
    ],
    ['with a code and an error', ({ answer }) => answer({ error: 'server_error' })],
    ['that holds a token itself', ({ answer }) => answer({ code: undefined, id_token: 'a.b.c' })],
    ['in another form', ({ answer }) => answer({ code: undefined, response: 'a.b.c' })],
  ])('is refused with an answer %s', async (_, answer) => {
    const flow = await begin()
    const before = await standing()
    const page = await answer(flow)
    await expectKeptOut(flow, page, before)
    expect(page.text).not.toContain('<')
    expect(page.headers.get('content-type')).toContain('application/problem+json')
  })

  it('is refused in another browser than it began in', async () => {
    const { question } = await begin()
    const flow = await begin()
    const before = await standing()
    const other = new Jar()
    const code = idp.code(question)
    const page = await other.get(
      `${broker.url}/auth/callback?${new URLSearchParams({ code, state: question.get('state')!, iss: idp.issuer })}`,
    )
    await expectKeptOut({ ...flow, jar: other }, page, before)
  })

  it('counts once: neither its state nor its code is taken again', async () => {
    const flow = await begin()
    const code = idp.code(flow.question)
    expect((await flow.answer({ code })).status).toBe(200)
    const before = await standing()
    expect((await flow.answer({ code })).status).toBe(403)
    await expectRefused('callback', before)
    const again = await begin()
    const later = await standing()
    expect((await again.answer({ code })).status).toBe(403)
    await expectRefused('callback', later)
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/a\\b',
    '/\t/evil.example',
    'api/me',
    '',
  ])('goes on to no other place than one of ours: %j', async (path) => {
    const answer = await new Jar().get(`${broker.url}/auth/login?return=${encodeURIComponent(path)}`)
    expect(answer).toMatchObject({ status: 400, body: { code: 'input.invalid', field: 'return' } })
  })
})
