import { describe, expect, it } from 'vitest'
import type { Broker } from '../support/broker.ts'
import { accessClaims, type ForgedIdp, idClaims, jws, logoutClaims } from '../support/forged-idp.ts'
import { forgedHere } from '../support/forged-world.ts'
import { type Forge, forgeries, HOUR } from '../support/forgeries.ts'
import { Jar } from '../support/jar.ts'
import { ownToken } from '../support/own-token.ts'

let idp: ForgedIdp
let broker: Broker
const { standing, expectRefused } = forgedHere((world) => {
  ;({ idp, broker } = world)
})

describe('a logout token', () => {
  const send = (token: string, headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' }) =>
    broker.api().post('/auth/back-channel-logout', undefined, { raw: `logout_token=${token}`, headers })
  const events = 'http://schemas.openid.net/event/backchannel-logout'

  it.each<[string, Forge]>([
    ...forgeries(logoutClaims, 'logout+jwt').filter(([name]) => !name.startsWith('with a typ')),
    ['that is an ID token', (at) => jws(at.rsa, { typ: 'JWT' }, idClaims(at))],
    ['that is an access token', (at) => jws(at.rsa, { typ: 'at+jwt' }, logoutClaims(at))],
    ['with a nonce', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { nonce: 'n' }))],
    ['without events', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { events: undefined }))],
    ['with another event', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { events: { 'urn:other': {} } }))],
    ['with an event that is a list', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { events: { [events]: [] } }))],
    ['without a jti', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { jti: undefined }))],
    [
      'of nobody and no session',
      (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { sub: undefined, sid: undefined })),
    ],
    ['with a session that is no text', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { sid: 7 }))],
    ['made an hour ago', (at) => jws(at.rsa, { typ: 'logout+jwt' }, logoutClaims(at, { iat: at.now() - HOUR }))],
  ])('ends nothing when it is one %s', async (_, forge) => {
    const before = await standing()
    const token = forge(idp)
    expect(await send(token)).toMatchObject({ status: 400, body: { code: 'input.invalid' } })
    await expectRefused('logout_token', before, token)
  })

  it('is taken once', async () => {
    const token = jws(idp.rsa, { typ: 'logout+jwt' }, logoutClaims(idp, { sub: 'nobody', sid: 'none' }))
    expect((await send(token)).status).toBe(200)
    const before = await standing()
    expect((await send(token)).status).toBe(400)
    await expectRefused('logout_token', before, token)
  })

  it('is taken as a form alone', async () => {
    expect((await send('x', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await broker.api().post('/auth/back-channel-logout')).status).toBe(400)
  })

  it('that names somebody and no session stops their tokens, until the provider’s next yes', async () => {
    const { admin } = broker
    const who = { sub: 'everywhere', name: 'Everywhere' }
    const { body } = await broker.api(jws(idp.rsa, { typ: 'at+jwt' }, accessClaims(idp, who))).get('/api/me')
    const { token } = await ownToken(broker.database, body.id, ['read'])
    const works = async () => (await broker.api(token).get('/api/me')).status === 200
    await send(jws(idp.rsa, { typ: 'logout+jwt' }, logoutClaims(idp, { sub: 'everywhere', sid: 'one-of-theirs' })))
    expect(await works(), 'one session ended').toBe(true)
    expect(
      (await send(jws(idp.rsa, { typ: 'logout+jwt' }, logoutClaims(idp, { sub: 'everywhere', sid: undefined })))).status,
    ).toBe(200)
    expect(await works()).toBe(false)
    const { items } = await admin.must(admin.get(`/api/audit?subject=${body.id}&kind=identity.refused`))
    expect(items).toMatchObject([{ data: { reason: 'signed out at the provider' } }])
    await broker.database.query(`update identities set refused_at = now() - interval '1 minute' where subject = 'everywhere'`)
    expect(await works(), 'as after a sign-in').toBe(true)
  })

  it('ends the sessions it names, and no other', async () => {
    const signedIn = async () => {
      const jar = new Jar()
      const page = await jar.step(`${broker.url}/auth/login?return=/api/me`)
      const question = new URL(page.headers.get('location')!).searchParams
      const answer = new URLSearchParams({ code: idp.code(question), state: question.get('state')!, iss: idp.issuer })
      await jar.get(`${broker.url}/auth/callback?${answer}`)
      return jar
    }
    const ann = await signedIn()
    idp.idToken = (claims) => jws(idp.rsa, {}, { ...claims, sid: 'another-session' })
    const annElsewhere = await signedIn()
    await send(jws(idp.rsa, { typ: 'logout+jwt' }, logoutClaims(idp)))
    expect((await ann.get(`${broker.url}/api/me`)).status).toBe(401)
    expect((await annElsewhere.get(`${broker.url}/api/me`)).status).toBe(200)
    await send(jws(idp.rsa, { typ: 'logout+jwt' }, logoutClaims(idp, { sid: undefined })))
    expect((await annElsewhere.get(`${broker.url}/api/me`)).status).toBe(401)
  })
})
