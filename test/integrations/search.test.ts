import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { escapeLike, globToRegex, matchesGlob } from '../../src/integrations/resources/glob.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { within } from '../support/database.ts'
import { ownToken } from '../support/own-token.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

let broker: Broker
let id: string

beforeAll(async () => {
  const target = new ToyTarget()
  target.put('chess/king')
  target.put('chess/queen')
  target.put('chess/pieces/white/pawn')
  target.put('cards/ace', { ungrantable: 'it is up a sleeve' })
  target.tags.set('chess/king', { owner: 'ann', team: 'a,b' })
  broker = await startBroker({ plugins: [toyPlugin(target)] })
  const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }
  id = (await broker.admin.must(broker.admin.post('/api/integrations', { name: 'toys', plugin: 'toy', config }))).id
  await vi.waitFor(async () => {
    expect((await broker.admin.get(`/api/integrations/${id}/sync`)).body).toMatchObject({ state: 'completed' })
  }, 10_000)
})
afterAll(() => broker.close())

async function names(query = '') {
  const { body, text } = await broker.admin.get(`/api/resources?integration=${id}&limit=200${query}`)
  expect(body.items, text).toBeDefined()
  return body.items.map(({ name }: { name: string }) => name)
}

async function somebody(): Promise<string> {
  return (await broker.admin.must(broker.admin.post('/api/users', { name: 'somebody else', roles: ['member'] }))).id
}

describe('search', () => {
  it.each([
    ['q=KING', ['chess/king']],
    ['q=s%2Fq', ['chess/queen']],
    ['q=%25', []],
    ['path=chess/*', ['chess/king', 'chess/queen']],
    ['path=chess/**', ['chess/king', 'chess/pieces/white/pawn', 'chess/queen']],
    ['path=**/p*', ['chess/pieces/white/pawn']],
    ['path=chess/*/pawn', []],
    ['path=CHESS/*', []],
    ['tag=owner:ann', ['chess/king']],
    ['tag=owner:ann,team:a%5C,b', ['chess/king']],
    ['tag=owner:ben', []],
    ['grantable=true', ['chess/king', 'chess/pieces/white/pawn', 'chess/queen']],
    ['grantable=false', ['cards/ace']],
    ['type=toy-thing&q=ace', ['cards/ace']],
    ['type=other', []],
  ] as [string, string[]][])('finds by %s', async (query, expected) => {
    expect(await names(`&${query}`)).toEqual(expected)
  })

  it('says why something cannot be granted', async () => {
    const { body } = await broker.admin.get(`/api/resources?integration=${id}&q=ace`)
    expect(body.items[0]).toMatchObject({
      type: 'toy-thing',
      tags: {},
      ungrantable: 'it is up a sleeve',
      integrationName: 'toys',
    })
    expect((await broker.admin.get(`/api/resources/${body.items[0].id}`)).body).toEqual(body.items[0])
  })

  it('goes page by page, each resource once', async () => {
    const found: string[] = []
    for (let next = ''; ; ) {
      const { body } = await broker.admin.get(`/api/resources?integration=${id}&limit=1${next}`)
      found.push(...body.items.map(({ name }: { name: string }) => name))
      if (!body.next) break
      next = `&cursor=${body.next}`
    }
    expect(found).toEqual(await names())
  })

  it('refuses a tag that is none, and more than five', async () => {
    for (const tag of ['owner', ':x', 'a:1,b:2,c:3,d:4,e:5,f:6']) {
      expect((await broker.admin.get(`/api/resources?tag=${tag}`)).body).toMatchObject({ status: 400, field: 'tag' })
    }
  })

  it('refuses a path with more wildcards than anybody needs, and names the field', async () => {
    expect((await broker.admin.get(`/api/resources?path=${'*a'.repeat(8)}`)).status).toBe(200)
    const { body } = await broker.admin.get(`/api/resources?path=${'**a'.repeat(9)}`)
    expect(body).toMatchObject({ status: 400, field: 'path', message: expect.stringContaining('at most 8 wildcards') })
  })

  it('gives up in seconds, and lets one person’s searches take nothing from anybody else', async () => {
    await within(broker.database.url, async (client) => {
      await client.query('begin')
      await client.query('lock table resources in access exclusive mode') // a search that takes for ever
      const many = Array.from({ length: 260 }, () => broker.admin.get('/api/resources?path=**a**b'))
      expect((await broker.admin.get('/api/me')).status).toBe(200)
      const other = broker.api((await ownToken(broker.database, await somebody(), ['read'])).token)
      expect((await other.get('/api/me')).status).toBe(200)
      const served = many.map((one) =>
        one.then((answer) => (answer.status === 429 ? Promise.reject(new Error('refused')) : answer)),
      )
      expect((await Promise.any(served)).body).toMatchObject({ code: 'unavailable', field: 'path' })
      await client.query('rollback')
      const statuses = (await Promise.all(many)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 429)).toHaveLength(9)
      expect(statuses).toContain(200)
    })
    expect(await names()).toContain('chess/king')
  })

  it('matches globs in the database as in the broker', async () => {
    const pieces = [
      'a',
      'b',
      '/',
      '*',
      '**',
      '.',
      '\\',
      '$',
      '^',
      '[',
      '(',
      '{',
      '+',
      '?',
      '|',
      '\n',
      'é',
      '𐍈',
      '%',
      '_',
      '-',
      ':',
    ]
    const text = (from: string[]) => fc.array(fc.constantFrom(...from), { maxLength: 8 }).map((parts) => parts.join(''))
    const cases = fc.sample(fc.tuple(text(pieces), text(pieces)), 3_000).flatMap(([glob, name]) => [
      { glob, name },
      { glob, name: glob.replaceAll('*', name) },
    ])
    const [{ answers }] = (await broker.database.query(
      `select jsonb_agg(name ~ regex order by at) as answers from rows from (
         jsonb_to_recordset($1::jsonb) as (name text, regex text)) with ordinality as t (name, regex, at)`,
      [JSON.stringify(cases.map(({ glob, name }) => ({ name, regex: globToRegex(glob) })))],
    )) as [{ answers: boolean[] }]
    const different = cases.filter(({ glob, name }, index) => matchesGlob(glob, name) !== answers[index])
    expect(different).toEqual([])
    expect(answers.filter(Boolean).length).toBeGreaterThan(1_000)
  })

  it('takes no time over a pattern made to be slow', () => {
    const began = process.threadCpuUsage()
    expect(matchesGlob('**a'.repeat(60), `${'a'.repeat(2_000)}b`)).toBe(false)
    expect(matchesGlob('*/'.repeat(100), '/'.repeat(100))).toBe(true)
    const { user, system } = process.threadCpuUsage(began) // of our own work, whatever else the machine does
    expect(user + system).toBeLessThan(500_000)
    expect(escapeLike('100%_\\')).toBe('100\\%\\_\\\\')
  })
})
