import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../../dev/demo/chromium.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'

const browser: Browser | undefined = await startBrowser()

describe.skipIf(!browser)('in Chromium', () => {
  let world: SignInWorld
  beforeAll(async () => {
    world = await startSignInWorld()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.close()
  })

  async function signIn(name: RegExp): Promise<Page> {
    const page = await (await browser!.newContext()).newPage()
    await page.goto(`${world.broker.url}/auth/login?return=/api/me`)
    await page.getByRole('button', { name }).click()
    await page.waitForURL(`${world.broker.url}/api/me`)
    return page
  }
  const bodyOf = async (page: Page) => JSON.parse((await page.textContent('body')) ?? '')
  const statusOf = async (page: Page) => (await page.goto(`${world.broker.url}/api/me`))?.status()
  /** as a script of the broker's own page would */
  const call = (page: Page, path: string) =>
    page.evaluate(async (to) => {
      const response = await fetch(to, { method: 'POST' })
      return { status: response.status, body: (await response.json()) as { url: string } }
    }, path)

  it('somebody signs in, is who they are, and signs out here and at the provider', async () => {
    const page = await signIn(/Alice/)
    expect(await bodyOf(page)).toMatchObject({ name: 'Alice Ames' })
    const cookies = (await page.context().cookies(world.broker.url)).filter(({ name }) => /latchkey/.test(name))
    expect(cookies).toMatchObject([{ name: 'latchkey', httpOnly: true, sameSite: 'Lax' }])
    expect(await page.evaluate('document.cookie')).toBe('')

    const { status, body } = await call(page, '/auth/logout')
    expect(status).toBe(200)
    await page.goto(body.url)
    await page.getByRole('button', { name: /yes|sign me out/i }).click()
    await page.waitForURL(`${world.broker.url}/auth/signed-in`)
    expect(await page.textContent('body')).toContain('Nobody is signed in')
    expect(await statusOf(page)).toBe(401)
    // The provider asks again: it has forgotten them as well.
    await page.goto(`${world.broker.url}/auth/login`)
    expect(page.url()).toContain('/interaction/')
  })

  it('signing out at the provider ends the session here', async () => {
    const page = await signIn(/Bob/)
    const elsewhere = await world.signIn('carol', new Jar())
    await page.goto(`${world.idp.issuer}/session/end`)
    await page.getByRole('button', { name: /yes|sign me out/i }).click()
    await expect.poll(() => statusOf(page)).toBe(401)
    expect((await elsewhere.get(`${world.broker.url}/api/me`)).status).toBe(200)
    const ended = await world.broker.database.query<{ body: string }>(
      `select body from audit_events where kind = 'session.ended' and actor = 'broker'`,
    )
    expect(ended.map(({ body }) => JSON.parse(body).reason)).toEqual(['signed out at the provider'])
  })

  it('a page of somebody else’s changes nothing with the cookie', async () => {
    const page = await signIn(/Dana/)
    const { id } = await bodyOf(page)
    const evil = await page.context().newPage()
    // Another port of the loopback is another origin of the same site: SameSite alone would let it through.
    await evil.goto(`${world.idp.issuer}/.well-known/openid-configuration`)
    await evil.evaluate(async (broker) => {
      const send = (path: string, init: RequestInit) =>
        fetch(broker + path, { method: 'POST', mode: 'no-cors', credentials: 'include', ...init }).catch(() => undefined)
      await send('/auth/logout', {})
      await send('/api/tokens', { body: '{"name":"evil","scopes":["read"],"expiresInSeconds":60}' })
    }, world.broker.url)
    const answers = world.broker.log
      .map((line) => JSON.parse(line))
      .filter(({ req }) => req?.method === 'POST')
      .slice(-2)
    expect(answers.map(({ req, res }) => `${req.path} ${res.statusCode}`)).toEqual(['/auth/logout 403', '/api/tokens 415'])
    expect(await statusOf(page), 'still signed in').toBe(200)
    expect(await world.broker.database.query('select id from api_tokens where user_id = $1', [id])).toEqual([])
  })

  it('an error full of markup runs nowhere', async () => {
    const page = await (await browser!.newContext()).newPage()
    const markup = '<script>document.title="owned"</script>'
    const query = new URLSearchParams({ error: markup, error_description: markup, state: 'x' })
    const answer = await page.goto(`${world.broker.url}/auth/callback?${query}`)
    expect(answer?.status()).toBe(403)
    expect(await page.title()).not.toBe('owned')
    expect(await page.content()).not.toContain('owned')
  })
})
