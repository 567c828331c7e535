import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Discovery } from '../../src/integrations/discovery/discovery.ts'
import { PACE } from '../../src/integrations/discovery/walk.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

let target: ToyTarget
let broker: Broker
let id: string
const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }

beforeAll(async () => {
  target = new ToyTarget()
  broker = await startBroker({ plugins: [toyPlugin(target)] })
})
afterAll(() => broker.close())

let made = 0
beforeEach(async () => {
  target.folders.clear()
  target.put('chess/king')
  target.put('chess/queen', { attributes: { worth: 9, colour: { light: true } } })
  target.put('chess/pieces/white/pawn')
  target.put('cards/ace', { ungrantable: 'it is up a sleeve' })
  target.tags.clear()
  target.tags.set('chess/king', { owner: 'ann', team: 'a,b' })
  const body = { name: `toys ${++made}`, plugin: 'toy', config }
  id = (await broker.admin.must(broker.admin.post('/api/integrations', body))).id
  await idle()
})
afterEach(async () => {
  target.unreadable.clear()
  target.hanging.clear()
  target.gates.clear()
  target.describes = true
  broker.app.get(Discovery).pace = PACE
  await broker.admin.delete(`/api/integrations/${id}`)
})

const latest = async () => (await broker.admin.get(`/api/integrations/${id}/sync`)).body
const idle = () =>
  vi.waitFor(async () => {
    const run = await latest()
    expect(run.state).toMatch(/^(completed|incomplete|failed)$/)
    return run
  }, 10_000)
async function sync() {
  const { status } = await broker.admin.post(`/api/integrations/${id}/sync`)
  expect(status).toBe(202)
  return idle()
}
async function names(query = '') {
  const { body, text } = await broker.admin.get(`/api/resources?integration=${id}&limit=200${query}`)
  expect(body.items, text).toBeDefined()
  return body.items.map(({ name }: { name: string }) => name)
}
const rowsWritten = () =>
  broker.database.query(`select id, xmin::text, ctid::text from resources where integration_id = $1 order by id`, [id])

describe('discovery', () => {
  it('finds everything as soon as an integration is made', async () => {
    expect(await latest()).toMatchObject({
      state: 'completed',
      folders: 5,
      found: 4,
      added: 4,
      changed: 1,
      gone: 0,
      unreadable: [],
      error: null,
      startedBy: null,
    })
    expect(await names()).toEqual(['cards/ace', 'chess/king', 'chess/pieces/white/pawn', 'chess/queen'])
  })

  it('writes no row when nothing changed', async () => {
    const before = await rowsWritten()
    expect(await sync()).toMatchObject({ state: 'completed', found: 4, added: 0, changed: 0, gone: 0, returned: 0 })
    expect(await rowsWritten()).toEqual(before)
  })

  it('writes what changed, and only that', async () => {
    const before = await rowsWritten()
    target.put('chess/queen', { attributes: { worth: 9, colour: { light: false } } })
    target.put('chess/rook')
    target.tags.set('cards/ace', { owner: 'ben' })
    expect(await sync()).toMatchObject({ state: 'completed', added: 1, changed: 2 })
    const after = await rowsWritten()
    expect(after.filter((row) => before.some((old) => old['xmin'] === row['xmin'] && old['id'] === row['id']))).toHaveLength(2)
    expect(await names('&tag=owner:ben')).toEqual(['cards/ace'])
  })

  it('marks what is gone, with whole folders, and brings back what returns, under the same id', async () => {
    const idOf = async (name: string) =>
      (await broker.admin.get(`/api/resources?integration=${id}&path=${name}`)).body.items[0]?.id
    const king = await idOf('chess/king')
    target.remove('chess/king')
    target.folders.delete('chess/pieces/white/')
    target.folders.delete('chess/pieces/')
    expect(await sync()).toMatchObject({ state: 'completed', gone: 2 })
    expect(await names()).toEqual(['cards/ace', 'chess/queen'])
    expect((await broker.admin.get(`/api/resources/${king}`)).status).toBe(404)
    target.put('chess/king')
    expect(await sync()).toMatchObject({ added: 0, returned: 1 })
    expect(await idOf('chess/king')).toBe(king)
    expect(await names('&tag=owner:ann')).toEqual(['chess/king'])
  })

  it('retires nothing while a folder cannot be read, and says which', async () => {
    target.unreadable.set('chess/pieces/', 'the lid is stuck')
    target.remove('chess/king')
    expect(await sync()).toMatchObject({
      state: 'incomplete',
      gone: 0,
      unreadable: [{ folder: 'chess/pieces/', reason: 'the lid is stuck' }],
    })
    expect(await names()).toContain('chess/king')
    target.unreadable.clear()
    expect(await sync()).toMatchObject({ state: 'completed', gone: 1 })
    expect(await names()).not.toContain('chess/king')
  })

  it('runs once at a time, and answers the run under way to everybody who asks again', async () => {
    const gate = Promise.withResolvers<void>()
    target.gates.set('chess/', gate.promise)
    const [first, second] = await Promise.all([1, 2].map(() => broker.admin.post(`/api/integrations/${id}/sync`)))
    expect([first?.status, second?.status]).toSatisfy((both: number[]) => both.includes(202) && both.includes(200))
    expect(first?.body.id).toBe(second?.body.id)
    gate.resolve()
    expect(await idle()).toMatchObject({ id: first?.body.id, state: 'completed' })
  })

  it('gives up on a plugin that hangs, keeps what was read, and retires nothing', async () => {
    broker.app.get(Discovery).pace = { ...PACE, stallMs: 200 }
    target.put('chess/bishop')
    target.remove('chess/king')
    target.hanging.add('chess/pieces/')
    expect(await sync()).toMatchObject({ state: 'failed', gone: 0, added: 1, error: { code: 'target.timeout' } })
    expect(await names()).toEqual(expect.arrayContaining(['chess/bishop', 'chess/king']))
  })

  it('leaves out what cannot be stored, and says so', async () => {
    target.put(`chess/${'long'.repeat(600)}`)
    target.put('chess/nul\u0000')
    const run = await sync()
    expect(run).toMatchObject({ state: 'completed', added: 0 })
    expect(run.notices).toHaveLength(2)
  })

  it('keeps the names when their tags cannot be read', async () => {
    target.describes = false
    target.put('chess/rook')
    expect(await sync()).toMatchObject({ state: 'incomplete', added: 1, error: { message: 'the toy shows no tags' } })
    expect(await names()).toContain('chess/rook')
  })

  it('stops when its integration is paused', async () => {
    const gate = Promise.withResolvers<void>()
    target.gates.set('chess/', gate.promise)
    await broker.admin.post(`/api/integrations/${id}/sync`)
    await broker.admin.post(`/api/integrations/${id}/pause`)
    gate.resolve()
    expect(await latest()).toMatchObject({ state: 'failed', error: { message: 'the integration was paused' } })
  })

  it('writes one audit entry for each run that ended', async () => {
    const run = await sync()
    const entries = await broker.database.query(
      `select kind, body::jsonb as body from audit_events where subject = $1 and body::jsonb->>'run' = $2`,
      [id, run.id],
    )
    expect(entries).toMatchObject([{ kind: 'discovery.completed', body: { found: 4 } }])
  })

  it('lists its runs, latest first', async () => {
    const run = await sync()
    const { body } = await broker.admin.get(`/api/integrations/${id}/syncs?limit=1`)
    expect(body.items[0].id).toBe(run.id)
    expect((await broker.admin.get(`/api/integrations/${id}/syncs?limit=1&cursor=${body.next}`)).body.items).toHaveLength(1)
  })
})

it('goes on where a replica left off that was stopped in the middle of a walk', async () => {
  const mine = new ToyTarget()
  for (let folder = 0; folder < 30; folder++) for (let i = 0; i < 5; i++) mine.put(`f${folder}/${i}`)
  const gate = Promise.withResolvers<void>()
  mine.gates.set('f20/', gate.promise)
  const first = await startBroker({ plugins: [toyPlugin(mine)] })
  try {
    first.app.get(Discovery).pace = { ...PACE, pages: 5 }
    const { id: theirs } = await first.admin.must(first.admin.post('/api/integrations', { name: 'big', plugin: 'toy', config }))
    await vi.waitFor(async () => {
      const stored = await first.database.query('select 1 from resources')
      expect(stored.length).toBeGreaterThan(40)
    }, 10_000)
    await first.app.close()
    const before = mine.reads.length
    mine.gates.clear()
    gate.resolve()
    const second = await startBroker({ plugins: [toyPlugin(mine)], database: first.database, key: first.key })
    try {
      const done = await vi.waitFor(async () => {
        const { body } = await second.admin.get(`/api/integrations/${theirs}/sync`)
        expect(body.state).toBe('completed')
        return body
      }, 10_000)
      expect(done).toMatchObject({ folders: 31, found: 150, added: 150 })
      expect(mine.reads.length - before).toBeLessThan(25)
      expect((await second.admin.get(`/api/integrations/${theirs}/syncs`)).body.items).toHaveLength(1)
    } finally {
      await second.close()
    }
  } finally {
    await first.database.drop()
  }
})
