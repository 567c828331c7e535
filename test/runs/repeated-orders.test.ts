import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'
import { rotationsOf } from '../support/rotations.ts'
import { TOY_PASSWORD } from '../support/toy-plugin.ts'

const TWIN = { address: 'here', login: { method: 'password', password: TOY_PASSWORD } }

describe('an order that is repeated with its key', () => {
  let toy: PaintingToy
  let alone: Broker
  let careful: Broker
  let second: Api
  let integrationId: string

  beforeAll(async () => {
    ;({ toy, broker: alone, integrationId } = await startPainting())
    const { database, key } = alone
    careful = await startBroker({ plugins: [toy.plugin], database, key, config: { fourEyes: true } })
    const { id } = await alone.admin.must(alone.admin.post('/api/users', { name: 'second admin', roles: ['admin'] }))
    second = careful.api((await ownToken(database, id, ['read', 'manage'])).token)
  }, 120_000)
  beforeEach(() => {
    toy.walls.clear()
    toy.calls.length = 0
  })
  afterAll(async () => {
    await careful?.close()
    await alone?.close()
  })

  const order = (admin: Api, colour: string, idempotencyKey: string, more: object = {}) =>
    admin.post('/api/runs', {
      integrationId,
      action: 'paint-wall',
      input: { wall: 'north', colour },
      reason: 'it is grey',
      idempotencyKey,
      ...more,
    })
  const until = (id: string, state: string) =>
    waitFor(`the run to be ${state}`, async () => {
      const now = await alone.admin.must(alone.admin.get(`/api/runs/${id}`))
      return now.state === state && now
    })
  const proposals = async () => (await alone.database.query<{ n: number }>('select count(*)::int as n from proposals'))[0]!.n
  const ANOTHER = {
    status: 409,
    code: 'conflict',
    field: 'idempotencyKey',
    message: expect.stringContaining('the idempotency key was used for another order: '),
  }

  it('says in its proposal why it cannot be undone this time', async () => {
    toy.wayBack = { isPossible: false, because: 'the painter keeps no photographs', restores: [] }
    const { body } = await order(careful.admin, 'red', 'for good')
    toy.wayBack = { isPossible: true, restores: [] }
    expect(body.summary).toMatchObject({
      irreversible: 'the painter keeps no photographs',
      risk: { reasons: expect.arrayContaining(['It cannot be undone: the painter keeps no photographs.']) },
    })
    await second.must(second.post(`/api/proposals/${body.id}/accept`))
    const run = (await order(careful.admin, 'red', 'for good')).body
    expect((await until(run.id, 'executed')).risk, 'what they decided on').toEqual(body.summary.risk)
  })

  it('is one proposal under four eyes, and one run once a second admin accepted it', async () => {
    const before = await proposals()
    const answers = await Promise.all(Array.from({ length: 8 }, () => order(careful.admin, 'red', 'together')))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(await proposals()).toBe(before + 1)
    expect((await order(careful.admin, 'blue', 'together')).body).toMatchObject(ANOTHER)
    expect((await order(careful.admin, 'red', 'together', { reason: 'another' })).body).toMatchObject(ANOTHER)
    expect(await proposals()).toBe(before + 1)
    await second.must(second.post(`/api/proposals/${answers[0]!.body.id}/accept`))
    const run = await order(careful.admin, 'red', 'together')
    expect(run).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^run_/), action: 'paint-wall' } })
    await until(run.body.id, 'executed')
    expect((await order(alone.admin, 'red', 'together')).body.id).toBe(run.body.id)
    expect((await order(alone.admin, 'blue', 'together')).body).toMatchObject(ANOTHER)
    expect(toy.calls.filter((call) => call === 'paint north')).toHaveLength(1)
  })

  it('is refused with that key for another integration or another action', async () => {
    const { id } = await alone.admin.must(order(alone.admin, 'red', 'elsewhere'))
    const twin = await alone.admin.must(
      alone.admin.post('/api/integrations', { name: 'twin', plugin: 'toy', config: TWIN, skipTest: true }),
    )
    for (const admin of [alone.admin, careful.admin]) {
      expect((await order(admin, 'red', 'elsewhere', { integrationId: twin.id })).body).toMatchObject(ANOTHER)
      expect((await order(admin, 'red', 'elsewhere', { action: 'tear-down', confirm: 'north' })).body).toMatchObject(ANOTHER)
      expect((await order(admin, 'red', 'elsewhere', { input: { wall: 'south', colour: 'red' } })).body).toMatchObject(ANOTHER)
    }
    expect((await order(alone.admin, 'red', 'elsewhere')).body.id).toBe(id)
  })

  it('is still the proposal that was declined, and proposes nothing again', async () => {
    const held = await careful.admin.must(order(careful.admin, 'red', 'declined'))
    await second.must(second.post(`/api/proposals/${held.id}/decline`))
    const before = await proposals()
    expect(await order(careful.admin, 'red', 'declined')).toMatchObject({ status: 202, body: { id: held.id, state: 'declined' } })
    expect(await proposals()).toBe(before)
  })

  it('is answered although the target would refuse it now', async () => {
    const held = await careful.admin.must(order(careful.admin, 'red', 'refused later'))
    toy.whenPlanned = async () => {
      throw new Error('nobody plans now')
    }
    expect((await order(careful.admin, 'red', 'refused later')).body.id).toBe(held.id)
    toy.whenPlanned = async () => {}
  })

  it('takes a run back once, at once and under four eyes', async () => {
    const painted = async (key: string) => {
      const { id } = await alone.admin.must(order(alone.admin, 'red', key))
      await until(id, 'executed')
      return id
    }
    const back = (admin: Api, id: string, reason: string, idempotencyKey = `${id} back`) =>
      admin.post(`/api/runs/${id}/rollback`, { reason, idempotencyKey })
    const [one, two] = [await painted('one'), await painted('two')]
    const answers = await Promise.all([1, 2, 3].map(() => back(alone.admin, one, 'ugly')))
    expect(answers.map(({ status, body }) => [status, body.id])).toEqual(Array(3).fill([200, one]))
    await until(one, 'undone')
    expect(await back(alone.admin, one, 'ugly')).toMatchObject({ status: 200, body: { id: one, state: 'undone' } })
    expect((await back(alone.admin, one, 'another reason')).body).toMatchObject(ANOTHER)
    expect((await back(alone.admin, two, 'ugly', `${one} back`)).body, 'of another run').toMatchObject(ANOTHER)
    expect((await back(careful.admin, two, 'ugly', `${one} back`)).body, 'and proposes nothing').toMatchObject(ANOTHER)

    const held = await Promise.all([1, 2, 3].map(() => back(careful.admin, two, 'ugly')))
    expect(new Set(held.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
    expect((await back(careful.admin, two, 'another reason')).body).toMatchObject(ANOTHER)
    await second.must(second.post(`/api/proposals/${held[0]!.body.id}/accept`))
    await until(two, 'undone')
    expect(await back(careful.admin, two, 'ugly')).toMatchObject({ status: 200, body: { id: two, state: 'undone' } })
  })

  it('has a rotation made now once, however often it is said', async () => {
    const rotations = rotationsOf(alone, { integrationId, action: 'paint-wall' })
    const { id } = await rotations.make({ input: { wall: 'north', colour: 'green' } })
    const now = (reason: string) => alone.admin.post(`/api/rotations/${id}/run`, { reason, idempotencyKey: 'now' })
    const answers = await Promise.all([1, 2, 3].map(() => now('it leaked')))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    await waitFor('it to be made', async () => (await rotations.get(id)).last?.state === 'finished')
    expect((await now('it leaked')).body).toMatchObject({ id, last: { state: 'finished' } })
    expect((await now('another reason')).body).toMatchObject(ANOTHER)
    const other = await rotations.make({ input: { wall: 'west', colour: 'green' } })
    const again = await alone.admin.post(`/api/rotations/${other.id}/run`, { reason: 'it leaked', idempotencyKey: 'now' })
    expect(again.body, 'of another rotation').toMatchObject(ANOTHER)
    const turns = await alone.admin.must(alone.admin.get(`/api/rotations/${id}/turns`))
    expect(turns.items).toHaveLength(1)
  })
})
