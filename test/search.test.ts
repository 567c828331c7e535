import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { escapeLike, globToRegex, matchesGlob } from '../src/integrations/glob.ts'
import { type Broker, startBroker } from './support/broker.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from './support/toy-plugin.ts'

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
    const began = performance.now()
    expect(matchesGlob('**a'.repeat(60), `${'a'.repeat(2_000)}b`)).toBe(false)
    expect(matchesGlob('*/'.repeat(100), '/'.repeat(100))).toBe(true)
    expect(performance.now() - began).toBeLessThan(500)
    expect(escapeLike('100%_\\')).toBe('100\\%\\_\\\\')
  })
})
