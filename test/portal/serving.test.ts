import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, BUILT_PORTAL, startBroker } from '../support/broker.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const LARGEST_FIRST_LOAD = 250 * 1024

describe('a daemon with its portal', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker({ portal: BUILT_PORTAL })
  })
  afterAll(() => broker?.close())

  async function ask(where: string, headers: Record<string, string> = HTML, method: 'GET' | 'HEAD' | 'POST' = 'GET') {
    const { statusCode, headers: said, body } = await request(broker.url + where, { method, headers })
    return { status: statusCode, headers: said, body: Buffer.from(await body.arrayBuffer()) }
  }
  const assetsIn = (page: Buffer) => [...page.toString().matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, asset]) => asset!)

  it('gives its page at every path that is no endpoint’s, and keeps it nowhere', async () => {
    for (const where of ['/', '/requests/req_1?x=1', '/nothing/such', '/grants/%2e%2e%2fetc']) {
      const { status, headers, body } = await ask(where)
      expect({ where, status, type: headers['content-type'], cache: headers['cache-control'] }).toEqual({
        where,
        status: 200,
        type: 'text/html; charset=utf-8',
        cache: 'no-store',
      })
      expect(body.toString()).toContain('<div id="root">')
    }
    expect((await ask('/', {}, 'HEAD')).status).toBe(200)
  })

  it('leaves every endpoint what it is, and refuses in JSON what is none of them', async () => {
    const problems = ['/api/nothing', '/api', '/auth/nothing', '/scim/nothing', '/assets/nothing.js', '/assets/..%2findex.html']
    for (const where of problems) {
      const { status, headers } = await ask(where)
      expect({ where, status: status >= 400 && status < 500, type: headers['content-type'] }).toEqual({
        where,
        status: true,
        type: 'application/problem+json; charset=utf-8',
      })
    }
    expect((await ask('/requests/req_1', { accept: 'application/json' })).status, 'a program').toBe(404)
    expect((await ask('/requests/req_1', HTML, 'POST')).status).toBe(404)
    expect((await ask('/livez')).status).toBe(200)
    expect((await ask('/openapi.json')).headers['content-type']).toContain('application/json')
  })

  it('lets the page run no script and take no style but its own, and talk to nobody else', async () => {
    const policies = await Promise.all([ask('/'), ask('/')])
    const [one, other] = policies.map(({ headers }) => String(headers['content-security-policy']))
    const nonce = /'nonce-([^']+)'/.exec(one!)?.[1] ?? ''
    expect(nonce).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    expect(one!.replace(nonce, 'N').split('; ')).toEqual([
      `default-src 'none'`,
      `script-src 'self'`,
      `style-src 'self' 'nonce-N'`,
      `img-src 'self'`,
      `font-src 'self'`,
      `connect-src 'self'`,
      `form-action 'self'`,
      `base-uri 'none'`,
      `frame-ancestors 'none'`,
    ])
    expect(other, 'a nonce is used once').not.toContain(nonce)
    const { headers, body } = policies[0]!
    expect(body.toString()).toContain(`nonce="${nonce}"`)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'x-frame-options': 'SAMEORIGIN',
    })
    const inline = body.toString().replace(/<script type="module" crossorigin src="[^"]+"><\/script>/g, '')
    expect(inline).not.toMatch(/<script|<style|style=|\son\w+=|https?:/)
  })

  it('gives what the page is made of as it was built, packed if that is understood, to be kept for ever', async () => {
    const assets = assetsIn((await ask('/')).body)
    expect(assets.length).toBeGreaterThanOrEqual(3)
    for (const asset of assets) {
      const built = readFileSync(path.join(BUILT_PORTAL, asset))
      const ways = [
        { accept: 'identity', sent: undefined, unpack: (body: Buffer) => body },
        { accept: 'gzip', sent: 'gzip', unpack: gunzipSync },
        { accept: 'gzip, deflate, br', sent: 'br', unpack: brotliDecompressSync },
      ]
      for (const { accept, sent, unpack } of ways) {
        const { status, headers, body } = await ask(asset, { 'accept-encoding': accept })
        expect({ status, sent: headers['content-encoding'], cache: headers['cache-control'], vary: headers['vary'] }).toEqual({
          status: 200,
          sent,
          cache: 'public, max-age=31536000, immutable',
          vary: 'Accept-Encoding',
        })
        expect(unpack(body).equals(built), `${asset} by ${accept}`).toBe(true)
      }
      expect(asset).toMatch(/-[\w-]{8}\.(js|css|svg)$/)
    }
  })

  it('has at most 250 KB of packed script to load first', async () => {
    const scripts = assetsIn((await ask('/')).body).filter((asset) => asset.endsWith('.js'))
    const sizes = scripts.map((asset) => statSync(path.join(BUILT_PORTAL, `${asset}.gz`)).size)
    expect(sizes.length).toBeGreaterThan(0)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LARGEST_FIRST_LOAD)
  })

  it('sends to the portal who comes from signing in or out', async () => {
    const { status, headers } = await ask('/auth/signed-in')
    expect({ status, to: headers['location'] }).toEqual({ status: 302, to: '/' })
  })
})

describe('a daemon whose portal was not built', () => {
  it('says so in its log and in its landing page', async () => {
    const broker = await startBroker({ portal: path.join(BUILT_PORTAL, 'nowhere') })
    try {
      expect(broker.log.join('')).toContain('there is no portal')
      const home = await request(`${broker.url}/`, { headers: HTML })
      expect({ status: home.statusCode, to: home.headers['location'] }).toEqual({ status: 302, to: '/auth/signed-in' })
      await home.body.dump()
      const page = await request(`${broker.url}/auth/signed-in`)
      expect(await page.body.text()).toContain('started without its portal')
    } finally {
      await broker.close()
    }
  })
})
