import { describe, expect, it } from 'vitest'
import { startBroker } from '../support/broker.ts'
import { oidcOf, type SignInWorld, signInAs, signInHere } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'

let world: SignInWorld
const { newcomer, me, query } = signInHere((there) => {
  world = there
})

describe('a session', () => {
  it('changes something only for a page of ours', async () => {
    const jar = await world.signIn(newcomer([]))
    const { url } = world.broker
    const attempt = (headers: Record<string, string>) =>
      jar.go(`${url}/api/tokens`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ name: 'x', scopes: ['read'], expiresInSeconds: 60 }),
      })
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: url.replace('127.0.0.1', 'localhost') },
      { origin: url, 'sec-fetch-site': 'cross-site' },
      { origin: url, 'sec-fetch-site': 'same-site' },
      { origin: url, 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site' },
      {},
    ] as Record<string, string>[]) {
      expect(await attempt(headers), JSON.stringify(headers)).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
    }
    expect((await attempt({ origin: url })).status).toBe(201)
    expect((await attempt({ 'sec-fetch-site': 'same-origin' })).status).toBe(201)
    const forged = await jar.go(`${url}/auth/logout`, { method: 'POST', headers: { origin: 'https://evil.example' } })
    expect([forged.status, forged.headers.get('clear-site-data')]).toEqual([403, null])
    expect((await me(jar)).status).toBe(200)
  })

  it('is not asked for by a call that brings a credential of its own', async () => {
    const jar = await world.signIn('alice')
    const answer = await jar.get(`${world.broker.url}/api/me`, { authorization: `Bearer ${world.broker.adminToken}` })
    expect(answer.body.name).toMatch(/^admin/)
    expect((await jar.get(`${world.broker.url}/api/me`, { authorization: 'Bearer nonsense' })).status).toBe(401)
  })

  it('ends when it lies idle, and when it has lasted too long however busy it is', async () => {
    const idle = await world.signIn(newcomer([]))
    const long = await world.signIn(newcomer([]))
    const [idleId, longId] = [(await me(idle)).body.id, (await me(long)).body.id]
    await query(`update http_sessions set expire = now() - interval '1 second' where user_id = $1`, [idleId])
    await query(`update http_sessions set begun_at = now() - interval '12 hours 1 second' where user_id = $1`, [longId])
    expect((await me(idle)).status).toBe(401)
    expect((await me(long)).status).toBe(401)
  })

  it('lives on while it is used', async () => {
    const jar = await world.signIn(newcomer([]))
    const { id } = (await me(jar)).body
    await query(`update http_sessions set expire = now() + interval '1 minute' where user_id = $1`, [id])
    await me(jar)
    expect(
      await query(`select id from http_sessions where user_id = $1 and expire > now() + interval '59 minutes'`, [id]),
    ).toHaveLength(1)
  })

  it('cannot be made up, moved to another broker, or brought along from before the sign-in', async () => {
    const jar = await world.signIn(newcomer([]))
    const [key, cookie] = [...jar.cookies].find(([name]) => name.startsWith('latchkey'))!
    const changed = new Jar()
    changed.cookies.set(key, { ...cookie, value: `${cookie.value.slice(0, -4)}AAAA` })
    expect((await me(changed)).status).toBe(401)
    // Planted by somebody else before the sign-in: what it is worth afterwards is nothing.
    const victim = new Jar()
    await victim.step(`${world.broker.url}/auth/login`)
    const planted = new Jar()
    for (const [name, value] of victim.cookies) planted.cookies.set(name, value)
    await world.signIn('alice', victim)
    expect((await me(victim)).status).toBe(200)
    expect((await me(planted)).status).toBe(401)
  })

  it('is seen and ended by its owner and by an admin, and by nobody else', async () => {
    const { broker } = world
    const [one, other, stranger] = [newcomer([]), newcomer([]), newcomer([])]
    const jars = [await world.signIn(one), await world.signIn(one), await world.signIn(other)] as const
    const { id: userId } = (await me(jars[0])).body
    const list = (await jars[0].get(`${broker.url}/api/sessions`)).body.items
    expect(list).toHaveLength(2)
    expect(list[0]).toEqual({
      id: expect.stringMatching(/^ses_/),
      userId,
      begunAt: expect.any(String),
      expiresAt: expect.any(String),
    })
    const strange = await world.signIn(stranger)
    expect((await strange.get(`${broker.url}/api/sessions?userId=${userId}`)).status).toBe(404)
    const end = (jar: Jar, id: string) =>
      jar.go(`${broker.url}/api/sessions/${id}`, { method: 'DELETE', headers: { origin: broker.url } })
    expect((await end(strange, list[0].id)).status).toBe(404)
    expect((await end(jars[0], list[0].id)).status).toBe(204)
    expect((await me(jars[1])).status).toBe(401)
    expect((await broker.admin.get(`/api/sessions?userId=${userId}`)).body.items).toHaveLength(1)
    expect((await broker.admin.delete(`/api/users/${userId}/sessions`)).status).toBe(204)
    expect((await me(jars[0])).status).toBe(401)
    expect((await me(jars[2])).status).toBe(200)
    expect(
      await query(`select actor = $1 as own from audit_events where kind = 'session.ended' and body like $2 order by id`, [
        userId,
        `%${userId}%`,
      ]),
    ).toEqual([{ own: true }, { own: false }])
  })

  it('ends with its person being disabled, who cannot sign in again', async () => {
    const account = newcomer([])
    const jar = await world.signIn(account)
    const { id } = (await me(jar)).body
    await world.broker.admin.patch(`/api/users/${id}`, { state: 'disabled' })
    expect((await me(jar)).status).toBe(401)
    expect(await signInAs(new Jar(), world.broker.url, account)).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
    await world.broker.admin.patch(`/api/users/${id}`, { state: 'active' })
    expect((await me(jar)).status).toBe(401)
  })

  it('is what signing in and out is about, whatever else the call brings', async () => {
    const { broker } = world
    const headers = { authorization: `Bearer ${broker.adminToken}`, 'sec-fetch-site': 'same-origin' }
    expect((await broker.api().get('/AUTH/login', { headers })).status).toBe(302)
    expect((await broker.api().get('/auth/callback?code=x', { headers })).status).toBe(403)
    expect(await broker.api().post('/auth/logout', undefined, { headers })).toMatchObject({ status: 200, body: { url: null } })
  })

  it('ends here and at the provider', async () => {
    const { broker, idp } = world
    const jar = await world.signIn(newcomer([]))
    const out = await jar.post(`${broker.url}/auth/logout`)
    expect(out.headers.get('clear-site-data')).toBe('"cache", "storage"')
    expect(out.status).toBe(200)
    const url = new URL(out.body.url)
    expect(url.origin).toBe(idp.issuer)
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${broker.url}/`)
    expect((await me(jar)).status).toBe(401)
    expect((await jar.post(`${broker.url}/auth/logout`)).body).toEqual({ url: null })
  })

  it('carries its cookie over https alone where people come by https', async () => {
    const secure = await startBroker({
      config: { publicUrl: 'https://latchkey.example.com', development: true, oidc: oidcOf(world.idp) },
    })
    const { headers, status } = await secure.api().get('/auth/login')
    expect(status).toBe(302)
    expect(String(headers['set-cookie'])).toMatch(
      /^__Host-latchkey-in-[^;]+; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    )
    await secure.close()
  })
})
