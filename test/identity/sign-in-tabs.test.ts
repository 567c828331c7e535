import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startForgedIdp } from '../support/forged-idp.ts'
import { type ForgedWorld, startForgedWorld } from '../support/forged-world.ts'
import { Jar, type Page } from '../support/jar.ts'

let world: ForgedWorld
beforeAll(async () => {
  world = await startForgedWorld()
})
afterAll(() => world?.close())

/** A tab of a browser that has gone to the provider; it comes back when it is told to. */
async function tab(jar: Jar): Promise<() => Promise<Page>> {
  const asked = await jar.step(`${world.broker.url}/auth/login?return=/api/me`)
  const question = new URL(asked.headers.get('location')!).searchParams
  return () => {
    const answer = new URLSearchParams({ code: world.idp.code(question), state: question.get('state')!, iss: world.idp.issuer })
    world.idp.userInfo = { sub: 'ann' }
    return jar.get(`${world.broker.url}/auth/callback?${answer}`)
  }
}

const sessionRows = () => world.broker.database.query('select sid from http_sessions')

describe('two tabs of one browser', () => {
  it.each(['first', 'second'])('both sign in, the %s one first', async (first) => {
    const jar = new Jar()
    const tabs = [await tab(jar), await tab(jar)]
    if (first === 'second') tabs.reverse()
    for (const back of tabs) expect(await back()).toMatchObject({ status: 200, body: { name: 'Ann' } })
    expect((await jar.get(`${world.broker.url}/api/me`)).status).toBe(200)
    expect([...jar.cookies.keys()].filter((name) => name.includes('latchkey-in'))).toEqual([])
    expect(await sessionRows(), 'the later session takes the place of the earlier').toHaveLength(first === 'first' ? 1 : 2)
  })

  it('leave no more behind than a browser can carry, and the latest still work', async () => {
    const jar = new Jar()
    const tabs: Awaited<ReturnType<typeof tab>>[] = []
    for (let i = 0; i < 9; i++) tabs.push(await tab(jar))
    expect(jar.cookies.size).toBeLessThanOrEqual(5)
    expect((await tabs[0]!()).status).toBe(403)
    expect((await tabs[8]!()).status).toBe(200)
    expect((await tabs[7]!()).status).toBe(200)
  })
})

describe('a visit', () => {
  it('of somebody who has not signed in leaves no session behind', async () => {
    const before = await sessionRows()
    for (let i = 0; i < 5; i++) await tab(new Jar())
    await new Jar().get(`${world.broker.url}/auth/callback?code=x&state=y`)
    expect(await sessionRows()).toEqual(before)
  })

  it('is answered with what this broker sealed for it alone', async () => {
    const jar = new Jar()
    const back = await tab(jar)
    const [key, cookie] = [...jar.cookies][0]!
    expect(decodeURIComponent(cookie.value)).toMatch(/^lk1\.[\w.-]+$/)
    jar.cookies.set(key, { ...cookie, value: `${cookie.value.slice(0, -6)}AAAAAA` })
    expect((await back()).status).toBe(403)
    const late = new Jar()
    const lateBack = await tab(late)
    const stale = [...late.cookies][0]!
    // Another sign-in's value does not open under this state.
    const other = new Jar()
    await tab(other)
    late.cookies.set(stale[0], { ...stale[1], value: [...other.cookies.values()][0]!.value })
    expect((await lateBack()).status).toBe(403)
  })
})

describe('a session', () => {
  it('has a cookie that goes over https alone where people come by https', async () => {
    const secure = await startForgedWorld({}, { config: { publicUrl: 'https://latchkey.example.com' } })
    const port = new URL(secure.broker.url).port
    const asked = await secure.broker.api().get('/auth/login')
    const question = new URL(String(asked.headers['location'])).searchParams
    const cookie = String(asked.headers['set-cookie']).split(';')[0]!
    const answer = new URLSearchParams({ code: secure.idp.code(question), state: question.get('state')!, iss: secure.idp.issuer })
    secure.idp.userInfo = { sub: 'ann' }
    const back = await secure.broker.api().get(`/auth/callback?${answer}`, { headers: { cookie, host: `127.0.0.1:${port}` } })
    expect(back.status).toBe(302)
    expect(back.headers['set-cookie']).toContainEqual(
      expect.stringMatching(/^__Host-latchkey=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    )
    await secure.close()
  })
})

describe('a refresh token that is good for one use', () => {
  it('is spent once by two replicas and many decisions at once', async () => {
    const idp = await startForgedIdp()
    idp.refreshes = true
    const one = await startForgedWorld({}, { idp })
    const two = await startForgedWorld({}, { idp, database: one.broker.database, key: one.broker.key })
    const press = (broker: { url: string }, jar: Jar) =>
      jar.post(`${broker.url}/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' })
    for (let round = 0; round < 4; round++) {
      const { jar, page } = await one.signIn({ sub: 'ann', groups: ['staff'] })
      idp.userInfo = { sub: 'ann', groups: ['staff'] }
      // The same cookie at the other replica: they stand behind one address.
      const beside = new Jar()
      for (const [key, cookie] of jar.cookies) {
        const host = new URL(two.broker.url).host
        beside.cookies.set(key.replace(/[^|]+$/, host), { ...cookie, host })
      }
      const before = idp.traded.count
      idp.expireAccess()
      await one.broker.database.query(`update identities set confirmed_at = now() - interval '2 minutes'`)
      const answers = await Promise.all([0, 1, 2].flatMap(() => [press(one.broker, jar), press(two.broker, beside)]))
      expect(
        answers.map(({ status }) => status),
        'there is no such request',
      ).toEqual([404, 404, 404, 404, 404, 404])
      expect((await jar.get(`${one.broker.url}/api/me`)).body.id).toBe(page.body.id)
      expect(idp.traded.count - before).toBe(1)
    }
    expect(idp.traded.spent).toEqual([])
    await two.close()
    await one.close()
    await idp.close()
  })

  it('is traded in time while its session is used, and at no other time', async () => {
    world.idp.refreshes = true
    world.idp.tokenAnswer = { refresh_expires_in: 1800 }
    const { jar } = await world.signIn({ sub: 'ann' })
    const me = () => jar.get(`${world.broker.url}/api/me`)
    const [due] = await world.broker.database.query<{ in: number }>(
      `select extract(epoch from max(refresh_due_at) - now())::int as in from http_sessions`,
    )
    expect(due!.in).toBeGreaterThan(500)
    expect(due!.in).toBeLessThanOrEqual(600)
    world.idp.tokenAnswer = { refresh_expires_in: 20 }
    const before = world.idp.traded.count
    await me()
    await world.broker.database.query(
      `update http_sessions set refresh_due_at = now() - interval '1 second' where refresh_due_at is not null`,
    )
    await me()
    await expect.poll(() => world.idp.traded.count).toBe(before + 1)
    await me()
    const [next] = await world.broker.database.query<{ in: number }>(
      `select extract(epoch from min(refresh_due_at) - now())::int as in from http_sessions where tokens_version = 1`,
    )
    expect(next!.in).toBeLessThanOrEqual(10)
    expect(world.idp.traded.count).toBe(before + 1)
    world.idp.refreshes = false
    world.idp.tokenAnswer = {}
  })

  it('is revoked at the provider when its session ends, over whichever road', async () => {
    const { broker, idp } = world
    idp.refreshes = true
    const admin = broker.admin
    const ends: Record<string, (jar: Jar, id: string) => Promise<unknown>> = {
      'signing out': (jar) => jar.post(`${broker.url}/auth/logout`),
      'an admin': (_, id) => admin.delete(`/api/users/${id}/sessions`),
      'being disabled': (_, id) => admin.patch(`/api/users/${id}`, { state: 'disabled' }),
    }
    for (const [road, end] of Object.entries(ends)) {
      const { jar, page } = await world.signIn({ sub: `ends-by-${road}` })
      const before = idp.traded.revoked.length
      await end(jar, page.body.id)
      await expect.poll(() => idp.traded.revoked.length, { message: road }).toBe(before + 1)
      expect(idp.traded.revoked.at(-1)).toMatch(/^rt-/)
    }
    // Signing in over a session, and a sign-in that is refused.
    const { jar } = await world.signIn({ sub: 'twice' })
    const before = idp.traded.revoked.length
    await world.signIn({ sub: 'twice' }, jar)
    await expect.poll(() => idp.traded.revoked.length).toBe(before + 1)
    expect((await world.signIn({ sub: 'ends-by-being disabled' })).page.status).toBe(403)
    await expect.poll(() => idp.traded.revoked.length).toBe(before + 2)
    await expect.poll(() => broker.database.query('select id from ended_sessions')).toEqual([])
    idp.refreshes = false
  })

  it('is revoked when the provider is back, if it was away', async () => {
    const { broker, idp } = world
    idp.refreshes = true
    const { jar } = await world.signIn({ sub: 'ann' })
    idp.instead.set('/revoke', (response) => response.destroy())
    await jar.post(`${broker.url}/auth/logout`)
    await expect.poll(() => idp.asked.filter((path) => path === '/revoke').length).toBeGreaterThan(0)
    idp.instead.clear()
    const before = idp.traded.revoked.length
    await expect
      .poll(async () => {
        await broker.database.query(`update due_work set run_at = now() where kind = 'session.revoke' and locked_by is null`)
        return idp.traded.revoked.length
      })
      .toBe(before + 1)
    idp.refreshes = false
  })
})
