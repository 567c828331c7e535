import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Budgets } from '../../src/identity/refusals/budgets.ts'
import { sourceOf } from '../../src/identity/refusals/source.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { freshDatabase } from '../support/database.ts'
import { type ForgedWorld, startForgedWorld } from '../support/forged-world.ts'
import { ownToken } from '../support/own-token.ts'

let world: ForgedWorld
let broker: Broker
beforeAll(async () => {
  world = await startForgedWorld({}, { config: { trustProxy: ['127.0.0.1'] } })
  broker = world.broker
})
afterAll(() => world?.close())

interface Row {
  readonly kind: string
  readonly actor: string
  readonly address: string | null
  readonly data: { readonly road: string; readonly reason: string; readonly call?: string; readonly count?: number }
}
const rowsOf = async (road: string, from: Pick<Broker, 'database'> = broker): Promise<Row[]> =>
  from.database.query<Row & Record<string, unknown>>(
    `select kind, actor, address, body::jsonb as data from audit_events
     where kind in ('sign_in.refused', 'call.refused') and body::jsonb->>'road' = $1 order by id`,
    [road],
  )
const at = (address: string) => ({ headers: { 'x-forwarded-for': address } })
const JUNK = `lk_${'0'.repeat(43)}`

describe('who is not let in', () => {
  it('is written down with the road and the address, whatever they brought', async () => {
    const known = await broker.admin.must(broker.admin.post('/api/users', { name: 'Known' }))
    const revoked = await ownToken(broker.database, known.id, ['read'])
    await broker.admin.must(broker.admin.delete(`/api/tokens/${revoked.id}`))
    for (const [road, token, path] of [
      ['token', JUNK, '/api/me'],
      ['token', revoked.token, '/api/me'],
      ['token', `lks_${'0'.repeat(43)}`, '/api/me'],
      ['scim', `lks_${'0'.repeat(43)}`, '/scim/v2/Users'],
      ['scim', broker.adminToken, '/scim/v2/Users'],
      ['bearer', 'eyJhbGciOiJub25lIn0.e30.', '/api/me'],
    ] as const) {
      const before = await rowsOf(road)
      expect((await broker.api(token).get(path, at('192.0.2.1'))).status).toBe(401)
      const [row, ...more] = (await rowsOf(road)).slice(before.length)
      expect(more).toEqual([])
      expect(row).toMatchObject({ kind: 'sign_in.refused', actor: 'somebody', address: '192.0.2.1' })
      expect(JSON.stringify(row)).not.toContain(token.slice(5))
    }
    const { status } = await broker.api().post('/api/enrolments', { code: `lke_${'0'.repeat(43)}` }, at('192.0.2.1'))
    expect([status, (await rowsOf('enrolment')).length]).toEqual([403, 1])
  })

  it('who brought nothing tried nothing', async () => {
    const count = async () => (await Promise.all(['token', 'scim', 'bearer', 'call'].map((road) => rowsOf(road)))).flat().length
    const before = await count()
    for (const path of ['/api/me', '/scim/v2/Users', '/nowhere']) await broker.api().get(path)
    expect(await count()).toBe(before)
  })

  it('does not blind the trail for others, nor on other roads', async () => {
    const flood = broker.api(JUNK)
    for (let round = 0; round < 15; round++) {
      await Promise.all(Array.from({ length: 50 }, () => flood.get('/api/me', at('198.51.100.7'))))
    }
    const ofTheFlood = async () => (await rowsOf('token')).filter(({ address }) => address === '198.51.100.7').length
    expect(await ofTheFlood()).toBeGreaterThanOrEqual(100)
    expect(await ofTheFlood()).toBeLessThan(120)

    const before = (await rowsOf('token')).length
    await flood.get('/api/me', at('203.0.113.9'))
    expect((await rowsOf('token')).slice(before)).toMatchObject([{ address: '203.0.113.9' }])
    const bearers = (await rowsOf('bearer')).length
    await world.bearer({ aud: 'another' }).get('/api/me', at('198.51.100.7'))
    expect((await rowsOf('bearer')).slice(bearers)).toHaveLength(1)
  })
})

describe('what somebody known may not do', () => {
  it('is written down with who, what and where, and without an id they chose', async () => {
    const { id } = await broker.admin.must(broker.admin.post('/api/users', { name: 'Curious' }))
    const { token } = await ownToken(broker.database, id, ['read'])
    const api = broker.api(token)
    await api.get('/api/users', at('192.0.2.2')) // a role
    await api.post('/api/access-requests', {}, at('192.0.2.2')) // a scope
    await api.get(`/api/tokens?userId=${(await broker.admin.get('/api/me')).body.id}`, at('192.0.2.2')) // found out by the endpoint
    expect((await rowsOf('call')).filter(({ actor }) => actor === id)).toMatchObject([
      { kind: 'call.refused', address: '192.0.2.2', data: { call: 'GET /api/users' } },
      { kind: 'call.refused', address: '192.0.2.2', data: { call: 'POST /api/access-requests' } },
      { kind: 'call.refused', address: '192.0.2.2', data: { call: 'GET /api/tokens' } },
    ])
  })
})

it('writes the rest of a flood down as one row, with their count and where they came from', async () => {
  const database = await freshDatabase()
  const own = await startBroker({ database })
  const flood = own.api(JUNK)
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 50 }, () => flood.get('/api/me')))
  await own.close()
  const rows = await rowsOf('token', { database })
  const told = rows.filter(({ data }) => data.count === undefined).length
  const [rest, ...more] = rows.filter(({ data }) => data.count !== undefined)
  expect(more).toEqual([])
  expect(told).toBeGreaterThanOrEqual(100)
  expect(told + rest!.data.count!).toBe(250)
  expect(rest!.data).toMatchObject({ sources: ['127.0.0.1'] })
  await database.drop()
})

it('names the person and the address in the log', async () => {
  const { id } = (await broker.admin.get('/api/me')).body
  await broker.admin.get('/api/users', { headers: { 'x-forwarded-for': '192.0.2.3', 'x-request-id': 'look-for-this-one' } })
  const line = broker.log.find((one) => one.includes('look-for-this-one') && one.includes('"statusCode"'))
  expect(JSON.parse(line!)).toMatchObject({ who: id, address: '192.0.2.3' })
})

describe('a budget', () => {
  it('is each key’s own, comes back with time, and is one for all where there are too many keys', () => {
    const budgets = new Budgets({ most: 3, perMinute: 1 })
    const takes = (key: string, now: number) => [1, 2, 3, 4].map(() => budgets.take(key, now))
    expect(takes('a', 0)).toEqual([true, true, true, false])
    expect(takes('b', 0)).toEqual([true, true, true, false])
    expect(takes('a', 120_000)).toEqual([true, true, false, false])
    for (let i = 0; i < 6000; i++) budgets.take(`many ${i}`, 130_000)
    expect(budgets.take('one more', 130_001)).toBe(false)
    expect(budgets.take('one more', 10_000_000)).toBe(true)
  })

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [null, 'nowhere'],
  ])('of %s is that of %s', (address, source) => {
    expect(sourceOf(address)).toBe(source)
  })
})

describe('who knocks without being known', () => {
  const guess = (address: string, code = `lke_${'1'.repeat(43)}`) => broker.api().post('/api/enrolments', { code }, at(address))

  it.each([
    ['of IPv4, with the port that they came from', (port: number) => `198.51.100.20:${port}`],
    ['of IPv6, with the port that they came from', (port: number) => `[2001:db8:20::9]:${port}`],
    ['behind two proxies, which both name ports', (port: number) => `198.51.100.21:${port}, 127.0.0.1:${port + 1}`],
    ['that is none', (port: number) => `_hidden${port}`],
  ])('is one source, whatever a trusted proxy writes: an address %s', async (_, from) => {
    const answers: number[] = []
    for (let tries = 0; tries < 90; tries += 1) answers.push((await guess(from(40_000 + tries))).status)
    expect(answers.filter((status) => status === 429).length).toBeGreaterThan(10)
  })

  it('is in the trail by the address alone', async () => {
    await guess('[2001:db8:21::9]:4711')
    const [last] = await broker.database.query<{ address: string }>(
      `select address from audit_events where kind = 'sign_in.refused' order by id desc limit 1`,
    )
    expect(last).toEqual({ address: '2001:db8:21::9' })
  })

  it('guesses so many enrolment codes and no more, and locks nobody out who is elsewhere', async () => {
    const { admin } = broker
    const codeFor = async (name: string) => {
      const person = await admin.must(admin.post('/api/users', { name }))
      return (await admin.must(admin.post(`/api/users/${person.id}/enrolment-code`, {}))).code as string
    }
    const [first, second, third] = [await codeFor('First'), await codeFor('Second'), await codeFor('Third')]
    // As long as a token, drawn from as many letters: more than 250 bits.
    expect(first.length - 'lke_'.length).toBeGreaterThanOrEqual(43)
    const answers: number[] = []
    for (let tries = 0; tries < 90; tries += 1) answers.push((await guess('198.51.100.7')).status)
    expect(answers.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 403))
    expect(answers).toContain(429)
    const atOnce = await Promise.all(Array.from({ length: 90 }, () => guess('198.51.100.6')))
    expect(atOnce.filter(({ status }) => status === 403).length).toBeLessThanOrEqual(65)
    const limited = await guess('198.51.100.7', first)
    expect(limited.body, 'the right one is not looked at either').toMatchObject({
      status: 429,
      code: 'rate.limited',
      fix: expect.any(String),
    })
    expect((await guess('198.51.100.8', first)).status).toBe(201)
    // Of IPv6 a whole network is one guesser.
    for (let tries = 0; tries < 90; tries += 1) await guess(`2001:db8:7:7::${tries.toString(16)}`)
    expect((await guess('2001:db8:7:7:ffff::1', second)).status).toBe(429)
    expect((await guess('2001:db8:7:8::1', second)).status).toBe(201)
    // What is right uses nothing up.
    expect((await guess('198.51.100.9', third)).status).toBe(201)
    expect((await guess('198.51.100.9')).status).toBe(403)
  })

  it('begins so many sign-ins and no more', async () => {
    const begin = (address: string) => broker.api().get('/auth/login', at(address))
    let begun = 0
    let refused = false
    for (let batch = 0; batch < 60 && !refused; batch += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => begin('198.51.100.20')))
      begun += answers.filter(({ status }) => status === 302).length
      refused = answers.some(({ status }) => status === 429)
    }
    expect(refused).toBe(true)
    expect(begun).toBeGreaterThanOrEqual(600)
    await Promise.all(Array.from({ length: 50 }, () => begin('198.51.100.20')))
    expect((await begin('198.51.100.21')).status).toBe(302)
    const callbacks = Array.from({ length: 50 }, () => broker.api().get('/auth/callback?code=a&state=b', at('198.51.100.20')))
    expect((await Promise.all(callbacks)).map(({ status }) => status)).toContain(429)
  })
})
