import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Broker } from '../support/broker.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts'
import { type Rotations, rotationsOf } from '../support/rotations.ts'

describe('a rotation with a test', { timeout: 60_000 }, () => {
  let toy: PaintingToy
  let broker: Broker
  let receiver: Receiver
  let them: Rotations
  let webhookId: string
  let secret: string

  beforeAll(async () => {
    receiver = await startReceiver()
    const painting = await startPainting({ config: { development: true } })
    ;({ toy, broker } = painting)
    const { integrationId } = painting
    const { admin } = broker
    const hook = await admin.must(admin.post('/api/webhooks', { name: 'app', url: receiver.url, events: ['rotation.finished'] }))
    webhookId = hook.id
    secret = hook.secret
    them = rotationsOf(broker, { integrationId, action: 'paint-wall' })
  }, 120_000)
  beforeEach(() => {
    receiver.reply = 204
    receiver.received.length = 0
  })
  afterAll(async () => {
    await broker?.close()
    await receiver?.close()
  })

  const questions = () => receiver.received.filter(({ body }) => body.type === 'rotation.test')
  const isSigned = ({ headers, text }: Received) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
    return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  }
  const test = () => ({ webhookId, withinSeconds: 60 })

  it('is finished once its receiver says that the new value works, and not before', async () => {
    receiver.reply = 503
    const { id, name } = await them.make({ input: { wall: 'north', colour: 'canary-red' }, test: test() })
    await them.bringUp(id)
    await waitFor('the receiver to be asked twice', async () => questions().length >= 2)
    expect(await them.get(id)).toMatchObject({ last: { state: 'testing', problem: { message: expect.stringContaining('503') } } })
    expect(toy.walls.get('north')).toBe('canary-red')
    receiver.reply = 204
    const { last } = await them.settled(id, 'finished')
    const asked = questions()
    expect(asked.every(isSigned)).toBe(true)
    expect(new Set(asked.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([last.id]))
    expect(asked[0]!.body.data).toMatchObject({ rotation: { id, name }, runId: last.runId, action: 'paint-wall' })
    expect(JSON.stringify(receiver.received)).not.toContain('canary-red')
    await waitFor('who subscribed to be told', async () =>
      receiver.received.some(({ body }) => body.type === 'rotation.finished'),
    )
  })

  it('is rolled back when its receiver does not say so in time, and people are told', async () => {
    toy.walls.set('east', 'white')
    receiver.reply = 500
    const { id } = await them.make({ input: { wall: 'east', colour: 'red' }, test: test() })
    await them.bringUp(id)
    await waitFor('the receiver to be asked', async () => questions().length > 0)
    expect(toy.walls.get('east')).toBe('red')
    await broker.database.query(
      `update rotation_turns set tested_since = tested_since - interval '1 minute' where rotation_id = $1`,
      [id],
    )
    const { last } = await them.settled(id, 'undone')
    expect(last).toMatchObject({
      runState: 'undone',
      problem: { message: expect.stringContaining('the webhook did not confirm') },
    })
    expect(toy.walls.get('east')).toBe('white')
    const run = await broker.admin.must(broker.admin.get(`/api/runs/${last.runId}`))
    expect(run.undo).toMatchObject({ by: null, reason: expect.stringContaining('the webhook did not confirm') })
    expect(await them.told(id)).toContain('rotation.failed')
  })

  it('leaves a run whose undo the target refuses done, with its way back', async () => {
    toy.walls.set('attic', 'white')
    receiver.reply = 500
    toy.refusesUndo = true
    const { id } = await them.make({ input: { wall: 'attic', colour: 'red' }, test: test() })
    await them.bringUp(id)
    await waitFor('the receiver to be asked', async () => questions().length > 0)
    await broker.database.query(
      `update rotation_turns set tested_since = tested_since - interval '1 minute' where rotation_id = $1`,
      [id],
    )
    const { last } = await them.settled(id, 'failed')
    expect(last).toMatchObject({
      runState: 'executed',
      problem: { message: expect.stringContaining('the webhook did not confirm') },
    })
    expect(toy.walls.get('attic')).toBe('red')
    toy.refusesUndo = false
    const { admin } = broker
    await admin.must(admin.post(`/api/runs/${last.runId}/rollback`, { reason: 'nobody is in the way any more' }))
    const state = async () => (await admin.must(admin.get(`/api/runs/${last.runId}`))).state
    await waitFor('it to be taken back', async () => (await state()) === 'undone')
    expect(toy.walls.get('attic')).toBe('white')
  })

  it('delays no other rotation while its receiver hangs', async () => {
    const hanging = await startReceiver()
    hanging.reply = () => undefined
    const { admin } = broker
    const hook = await admin.must(admin.post('/api/webhooks', { name: 'hangs', url: hanging.url, events: ['rotation.finished'] }))
    const theirs = await Promise.all(
      [1, 2, 3].map((at) =>
        them.make({
          input: { wall: `hanging ${at}`, colour: 'red' },
          test: { webhookId: hook.id, withinSeconds: 3600 },
        }),
      ),
    )
    for (const { id } of theirs) await them.bringUp(id)
    const states = async () => (await Promise.all(theirs.map((each) => them.get(each.id)))).map(({ last }) => last?.state)
    await waitFor('all to be tested', async () => (await states()).every((state) => state === 'testing'))
    await waitFor('two to be asked, which is all that are asked of it at once', async () => hanging.received.length >= 2)
    const { id } = await them.make({ input: { wall: 'free', colour: 'red' } })
    await them.bringUp(id)
    await them.settled(id, 'finished')
    expect(await states()).toEqual(['testing', 'testing', 'testing'])
    await hanging.close()
  })

  it('is over when somebody takes the run back while its receiver is asked', async () => {
    toy.walls.set('south', 'white')
    receiver.reply = 500
    const { id } = await them.make({ input: { wall: 'south', colour: 'red' }, test: test() })
    await them.bringUp(id)
    await waitFor('the receiver to be asked', async () => questions().length > 0)
    const { last } = await them.get(id)
    await broker.admin.must(broker.admin.post(`/api/runs/${last.runId}/rollback`, { reason: 'no patience' }))
    await them.settled(id, 'undone')
    expect(toy.walls.get('south')).toBe('white')
  })

  it('is not made while its receiver is switched off', async () => {
    const { id } = await them.make({ input: { wall: 'west', colour: 'red' }, test: test() })
    await broker.admin.must(broker.admin.patch(`/api/webhooks/${webhookId}`, { active: false }))
    await them.bringUp(id)
    expect(await them.settled(id, 'refused')).toMatchObject({
      last: { problem: { message: expect.stringContaining('switched off') } },
    })
    expect(toy.walls.has('west')).toBe(false)
    await broker.admin.must(broker.admin.patch(`/api/webhooks/${webhookId}`, { active: true }))
  })

  it('is not made when the way back would be gone before the test must have answered', async () => {
    const until = new Date(Date.now() + 3600_000).toISOString()
    const wanted = { input: { wall: 'roof', colour: 'red' }, undoWithinSeconds: 60, test: { webhookId, withinSeconds: 7200 } }
    const { id } = await them.make(wanted)
    toy.wayBack = { isPossible: true, until, restores: [] }
    await them.bringUp(id)
    expect(await them.settled(id, 'refused')).toMatchObject({ last: { problem: { message: expect.stringContaining('7200 s') } } })
    toy.wayBack = { isPossible: true, restores: [] }
  })

  it('is refused for what nobody can undo: a test could take nothing back', async () => {
    const { body } = await them.post({
      action: 'tear-down',
      input: { wall: 'north' },
      confirm: 'north',
      evenIfIrreversible: true,
      test: test(),
    })
    expect(body).toMatchObject({ code: 'input.invalid', field: 'does.test' })
  })
})
