import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Broker } from '../support/broker.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { rotationsOf } from '../support/rotations.ts'
import { TOY_PASSWORD } from '../support/toy-plugin.ts'

describe('a rotation whose integration is removed', () => {
  let toy: PaintingToy
  let broker: Broker
  let receiver: Receiver
  let webhookId: string

  beforeAll(async () => {
    receiver = await startReceiver()
    ;({ toy, broker } = await startPainting({ config: { development: true } }))
    const { admin } = broker
    const hook = { name: 'app', url: receiver.url, events: ['rotation.finished'] }
    webhookId = (await admin.must(admin.post('/api/webhooks', hook))).id
  })
  afterAll(async () => {
    await broker?.close()
    await receiver?.close()
  })

  let made = 0
  const integration = async () => {
    const config = { address: 'here', login: { method: 'password', password: TOY_PASSWORD } }
    made += 1
    const body = { name: `toys ${made}`, plugin: 'toy', config, skipTest: true }
    return (await broker.admin.must(broker.admin.post('/api/integrations', body))).id as string
  }
  const through = (integrationId: string) => rotationsOf(broker, { integrationId, action: 'paint-wall' })
  const remove = (id: string) => broker.admin.delete(`/api/integrations/${id}`)
  const input = { wall: 'north', colour: 'canary-red' }

  it('is paused and says why, which is told once; nothing is made, and none of its secrets are kept', async () => {
    const integrationId = await integration()
    const them = through(integrationId)
    const { id } = await them.make({ input })
    expect(await them.get(id)).toMatchObject({ active: true, pausedBecause: null })
    expect((await remove(integrationId)).status).toBeLessThan(300)
    await them.bringUp(id)
    const paused = await waitFor('it to be paused', async () => {
      const now = await them.get(id)
      return !now.active && now
    })
    expect(paused).toMatchObject({ nextAt: null, last: null, pausedBecause: 'its integration was removed' })
    expect(await them.told(id)).toEqual(['rotation.created', 'rotation.stopped'])
    expect(toy.walls.has('north')).toBe(false)
    const [kept] = await broker.database.query('select sealed_input from rotations where id = $1', [id])
    expect(kept).toEqual({ sealed_input: null })
    expect(await broker.database.query('select 1 from due_work where subject = $1', [id])).toEqual([])
  })

  it('is neither run now nor resumed, and goes on through another integration', async () => {
    const integrationId = await integration()
    const them = through(integrationId)
    const { id } = await them.make({ input })
    await remove(integrationId)
    const at = `/api/rotations/${id}`
    expect((await broker.admin.post(`${at}/run`, { reason: 'now' })).body).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('its integration was removed'),
    })
    await waitFor('it to be paused', async () => !(await them.get(id)).active)
    expect((await broker.admin.patch(at, { active: true })).body).toMatchObject({
      code: 'conflict',
      fix: expect.stringContaining('another integration'),
    })
    const other = await integration()
    const { does } = await them.get(id)
    await broker.admin.must(broker.admin.patch(at, { active: true, does: { ...does, integrationId: other, input } }))
    await them.bringUp(id)
    await them.settled(id, 'finished')
    expect(await them.get(id)).toMatchObject({ active: true, pausedBecause: null })
    expect(toy.walls.get('north')).toBe('canary-red')
  })

  it('is over before that while it is being tested, because the way back would be gone', async () => {
    const integrationId = await integration()
    const them = through(integrationId)
    toy.walls.set('south', 'white')
    receiver.reply = 500
    const { id } = await them.make({ input: { wall: 'south', colour: 'red' }, test: { webhookId, withinSeconds: 3600 } })
    await them.bringUp(id)
    await waitFor('it to be tested', async () => (await them.get(id)).last?.state === 'testing')
    expect((await remove(integrationId)).body).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('1 rotation under test'),
    })
    receiver.reply = 204
    await them.settled(id, 'finished')
    expect((await remove(integrationId)).status).toBeLessThan(300)
    await waitFor('it to be paused', async () => !(await them.get(id)).active)
    expect(toy.walls.get('south')).toBe('red')
  })
})
