import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'
import { type Rotations, rotationsOf } from '../support/rotations.ts'

describe('a rotation where four eyes are on', { timeout: 60_000 }, () => {
  let toy: PaintingToy
  let broker: Broker
  let beside: Broker
  let them: Rotations
  let second: Api
  let owner: Api

  beforeAll(async () => {
    const painting = await startPainting()
    ;({ toy, broker: beside } = painting)
    const { integrationId } = painting
    const { admin, database, key } = beside
    broker = await startBroker({ plugins: [toy.plugin], database, key, config: { fourEyes: true } })
    const person = await admin.must(admin.post('/api/users', { name: 'sue', roles: ['admin'] }))
    second = broker.api((await ownToken(database, person.id, ['read', 'manage', 'approve'])).token)
    const flowWriter = await admin.must(admin.post('/api/users', { name: 'olga', roles: ['owner'] }))
    owner = broker.api((await ownToken(database, flowWriter.id, ['read', 'manage', 'approve'])).token)
    them = rotationsOf({ ...broker, database }, { integrationId, action: 'paint-wall' })
  }, 120_000)
  afterAll(async () => {
    await broker?.close()
    await beside?.close()
  })

  const accepted = async (id: string) => {
    await second.must(second.post(`/api/proposals/${id}/accept`))
    return waitFor('the change to be made', async () => {
      const now = await second.must(second.get(`/api/proposals/${id}`))
      if (now.state === 'failed') throw new Error(JSON.stringify(now.problem))
      return now.state === 'performed' && now
    })
  }

  it('is made, changed and removed once a second admin has seen what it does, and not before', async () => {
    const input = { wall: 'north', colour: 'canary-red' }
    const held = await them.post({ name: 'walls', input })
    expect(held.status).toBe(202)
    expect(held.body).toMatchObject({
      kind: 'rotation.create',
      summary: { does: { input: { wall: 'north', colour: { set: true } } }, steps: [{ summary: 'Paints north.' }] },
    })
    expect((await second.must(second.get('/api/rotations'))).items).toEqual([])
    await accepted(held.body.id)
    const [made] = (await second.must(second.get('/api/rotations'))).items
    expect(made).toMatchObject({ name: 'walls', active: true })

    const change = await broker.admin.must(broker.admin.patch(`/api/rotations/${made.id}`, { active: false }))
    expect(change).toMatchObject({ kind: 'rotation.change', diff: [{ field: 'active', before: true, after: false }] })
    await accepted(change.id)
    expect(await them.get(made.id)).toMatchObject({ active: false, nextAt: null })

    const removal = await broker.admin.must(broker.admin.delete(`/api/rotations/${made.id}`))
    expect(removal).toMatchObject({ kind: 'rotation.remove', base: { name: 'walls' } })
    await accepted(removal.id)
    expect((await second.get(`/api/rotations/${made.id}`)).status).toBe(404)
    expect(JSON.stringify([held.body, change, removal])).not.toContain('canary-red')
  })

  it('is accepted and declined by admins alone: an owner could not have made it', async () => {
    const held = await them.post({ name: 'roof', input: { wall: 'south', colour: 'grey' } })
    for (const decision of ['accept', 'decline']) {
      expect(await owner.post(`/api/proposals/${held.body.id}/${decision}`), decision).toMatchObject({
        status: 403,
        body: { code: 'auth.forbidden' },
      })
    }
    expect(await second.must(second.get(`/api/proposals/${held.body.id}`))).toMatchObject({ state: 'open' })
    await broker.admin.must(broker.admin.post(`/api/proposals/${held.body.id}/withdraw`))
  })

  it('is not changed by a proposal that speaks of what it no longer is', async () => {
    const held = await them.post({ name: 'ceilings', input: { wall: 'ceiling', colour: 'white' } })
    await accepted(held.body.id)
    const [made] = (await second.must(second.get('/api/rotations'))).items
    const change = await broker.admin.must(broker.admin.patch(`/api/rotations/${made.id}`, { jitterSeconds: 60 }))
    await beside.admin.must(beside.admin.patch(`/api/rotations/${made.id}`, { name: 'all ceilings' }))
    expect((await second.post(`/api/proposals/${change.id}/accept`)).body).toMatchObject({ code: 'conflict' })
  })

  it('is made once although two daemons look after it', async () => {
    const ids: string[] = []
    for (const wall of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const body = {
        name: `wall ${wall}`,
        does: {
          kind: 'run',
          integrationId: (await second.must(second.get('/api/integrations'))).items[0].id,
          action: 'paint-wall',
          input: { wall, colour: 'red' },
        },
        schedule: { kind: 'every', seconds: 86_400 },
      }
      ids.push((await beside.admin.must(beside.admin.post('/api/rotations', body))).id)
    }
    // Its row is put back by both reconcilers, and is there besides.
    await Promise.all(ids.map((id) => them.bringUp(id)))
    for (const id of ids) await them.settled(id, 'finished')
    const runs = await broker.database.query(
      `select subject from audit_events where kind = 'rotation.made' and subject = any($1)`,
      [ids],
    )
    expect(runs).toHaveLength(ids.length)
    for (const wall of ['a', 'b', 'c', 'd', 'e', 'f'])
      expect(toy.calls.filter((call) => call === `paint ${wall}`)).toHaveLength(1)
  })
})
