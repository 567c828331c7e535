import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vaultBinary } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { newId } from '../../src/platform/ids.ts'
import { type PersonInWorld, startWorld, type World } from '../support/world.ts'

let vault: VaultServer
let world: World
let alice: PersonInWorld
let bob: PersonInWorld
beforeAll(async () => {
  vault = await startVaultServer({ binary: await vaultBinary() })
  world = await startWorld(vault)
  ;({ alice, bob } = world)
})
afterAll(async () => {
  await world?.close()
  await vault?.stop()
})

interface Named {
  readonly id: string
  readonly name: string
}
const seenBy = async (who: PersonInWorld, query = '') =>
  ((await who.api.must(who.api.get(`/api/resources?limit=200${query}`))).items as Named[]).map(({ name }) => name).toSorted()
const only = (who: PersonInWorld) => ({ kind: 'people', users: [who.id], groups: [] })

describe('what people are told of', () => {
  it('is what one of their flows could give: in lists, in searches, and one by one', async () => {
    const all = [
      'kv/app/cache',
      'kv/app/db',
      'kv/app/db/replica',
      'kv/team/payments/stripe',
      'transit/invoices',
      'transit/orders',
    ]
    expect(await seenBy(alice), 'no flow, nothing').toEqual([])
    for (const role of ['admin', 'owner', 'auditor']) {
      expect(await seenBy(await world.person(role, [role], ['read']))).toEqual(all)
    }
    expect(await seenBy(await world.person('approver', ['approver'], ['read']))).toEqual([])

    await world.flow({
      requesters: only(alice),
      resources: [{ paths: ['kv/app/*'] }],
      permissions: { 'vault-kv-secret': ['read'] },
    })
    const off = await world.flow({ requesters: only(alice), resources: [{ paths: ['kv/team/**'] }] })
    await world.broker.admin.must(world.broker.admin.patch(`/api/access-flows/${off.id}`, { active: false }))
    await world.flow({
      requesters: only(alice),
      conditions: { attribute: 'name', is: 'starting_with', value: 'nobody' },
      resources: [{ paths: ['**'] }],
    })
    expect(await seenBy(alice)).toEqual(['kv/app/cache', 'kv/app/db'])
    expect(await seenBy(alice, '&q=stripe')).toEqual([])
    expect(await seenBy(alice, '&path=kv/**')).toEqual(['kv/app/cache', 'kv/app/db'])
    expect(await seenBy(bob)).toEqual([])
    const [seen, hidden] = [await world.resource('kv/app/db'), await world.resource('kv/team/payments/stripe')]
    expect((await alice.api.get(`/api/resources/${seen}`)).body.name).toBe('kv/app/db')
    const answers = await Promise.all(
      [hidden, newId('res')].map(async (id) => refusalOf(await alice.api.get(`/api/resources/${id}`), id)),
    )
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('is what can be asked for on it, by the flows that are for them and no others', async () => {
    await world.flow({
      requesters: only(bob),
      resources: [{ paths: ['kv/app/*'] }],
      permissions: { 'vault-kv-secret': ['write'] },
      maxSeconds: 60,
    })
    const [seen, hidden] = [await world.resource('kv/app/db'), await world.resource('kv/team/payments/stripe')]
    const { body } = await alice.api.get(`/api/resources/${seen}/offers`)
    expect(body).toMatchObject({
      typeTitle: 'KV secret',
      resource: { name: 'kv/app/db' },
      permissions: [{ id: 'read', title: 'Read' }],
    })
    expect(body.offers).toMatchObject([
      { permissions: ['read'], maxSeconds: 86_400, justification: 'optional', fields: [], automatic: true, emergency: false },
    ])
    expect((await bob.api.get(`/api/resources/${seen}/offers`)).body.offers).toMatchObject([
      { permissions: ['write'], maxSeconds: 60 },
    ])
    const answers = await Promise.all(
      [hidden, newId('res')].map(async (id) => refusalOf(await alice.api.get(`/api/resources/${id}/offers`), id)),
    )
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]).toMatchObject({ status: 404, code: 'not_found' })
    const overseer = await world.person('auditor', ['auditor'], ['read'])
    expect((await overseer.api.get(`/api/resources/${hidden}/offers`)).body, 'who sees all may not ask for all').toMatchObject({
      offers: [],
    })
  })

  it('cannot be found out by asking for it: a hidden resource and a missing one get the same answer', async () => {
    const hidden = await world.resource('kv/team/payments/stripe')
    for (const road of ['/api/access-requests/dry-run', '/api/access-requests']) {
      const answers = await Promise.all(
        [hidden, newId('res')].map(async (id) => {
          const ask = { resources: [{ resourceId: id, permissions: ['read'] }], seconds: 60, justification: 'curious' }
          return refusalOf(await alice.api.post(road, ask), id)
        }),
      )
      expect(answers[0]).toEqual(answers[1])
      expect(answers[0]).toMatchObject({ status: 422, code: 'access.denied', field: 'resources.0.resourceId' })
      expect(JSON.stringify(answers)).not.toContain('stripe')
    }
  })

  it('is no flow of other people’s: a refusal names none, and one that is asked for by its id is not there', async () => {
    const theirs = await world.flow({ requesters: only(bob), resources: [{ paths: ['kv/app/*'] }] })
    const sales = await world.flow({ conditions: { attribute: 'department', is: 'equal_to', value: 'secret project' } })
    const resources = [{ resourceId: await world.resource('kv/app/db'), permissions: ['write'] }]
    const ask = { resources, seconds: 60, justification: 'curious' }
    for (const road of ['/api/access-requests/dry-run', '/api/access-requests']) {
      const whole = await alice.api.post(road, ask)
      expect(whole.text).toContain('it does not permit write')
      for (const { name } of [theirs, sales]) expect(whole.text).not.toContain(name)
      expect(whole.text).not.toContain('secret project')
      const answers = await Promise.all(
        [theirs.id, sales.id, newId('flw')].map(async (id) => refusalOf(await alice.api.post(road, { ...ask, flowId: id }), id)),
      )
      expect(answers[0]).toEqual(answers[2])
      expect(answers[1]).toEqual(answers[2])
    }
    const owner = await world.person('owner', ['owner'])
    expect((await owner.api.post('/api/access-requests/dry-run', ask)).text).toContain(theirs.name)
    for (const { id } of [theirs, sales])
      await world.broker.admin.must(world.broker.admin.patch(`/api/access-flows/${id}`, { active: false }))
  })

  it('is a bundle only when all of it is', async () => {
    const { admin } = world.broker
    const bundle = async (...names: string[]) => {
      const resources = await Promise.all(
        names.map(async (name) => ({ resourceId: await world.resource(name), permissions: ['read'] })),
      )
      return admin.must(
        admin.post('/api/bundles', { name: `bundle ${randomBytes(3).toString('hex')}`, description: '', resources }),
      )
    }
    const whole = await bundle('kv/app/db', 'kv/app/cache')
    const partly = await bundle('kv/app/db', 'kv/team/payments/stripe')
    const idsOf = async (who: PersonInWorld) => (await who.api.must(who.api.get('/api/bundles'))).items.map(({ id }: Named) => id)
    expect(await idsOf(alice)).toEqual([whole.id])
    expect((await alice.api.get(`/api/bundles/${partly.id}`)).status).toBe(404)
    expect((await admin.must(admin.get('/api/bundles'))).items).toHaveLength(2)
    const answers = await Promise.all(
      [partly.id, newId('bnd')].map(async (id) =>
        refusalOf(await alice.api.post('/api/access-requests', { bundleId: id, seconds: 60, justification: 'curious' }), id),
      ),
    )
    expect(answers[0]).toEqual(answers[1])
  })

  it('is of emergencies what a flow names them to review, and all for who runs or checks the broker', async () => {
    const carol = await world.person('carol', ['approver'])
    const dave = await world.person('dave', ['approver'])
    const erin = await world.person('erin', ['approver'])
    const frank = await world.person('frank')
    const { admin } = world.broker
    const group = await admin.must(admin.post('/api/groups', { name: `reviewers ${randomBytes(3).toString('hex')}` }))
    await admin.must(admin.put(`/api/groups/${group.id}/members/${dave.id}`))
    const emergency = async (reviewers: object | undefined) => {
      const flow = await world.flow({
        requesters: only(alice),
        approval: { kind: 'emergency', alert: { users: [bob.id], groups: [] }, ...(reviewers && { reviewers }) },
      })
      const ask = { flowId: flow.id, resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }] }
      const made = await alice.api.must(
        alice.api.post('/api/access-requests', { ...ask, seconds: 60, justification: 'fire', emergency: true }),
      )
      return made.id as string
    }
    const hers = await emergency({ users: [carol.id, frank.id], groups: [] })
    const theirs = await emergency({ users: [], groups: [group.id] })
    const nobodys = await emergency(undefined)
    const requestsOf = async (who: PersonInWorld) =>
      (await who.api.must(who.api.get('/api/emergency-reviews'))).items
        .map(({ requestId }: { requestId: string }) => requestId)
        .toSorted()
    expect(await requestsOf(carol)).toEqual([hers])
    expect(await requestsOf(frank), 'who has no role and is named').toEqual([hers])
    expect(await requestsOf(dave)).toEqual([theirs])
    expect(await requestsOf(erin)).toEqual([])
    const auditor = await world.person('auditor', ['auditor'])
    expect(await requestsOf(auditor)).toEqual([hers, theirs, nobodys].toSorted())
  })
})

/** A refusal without what must differ: the id that was asked for, and the call's own. */
function refusalOf({ body }: { body: Record<string, unknown> }, id: string): Record<string, unknown> {
  const { requestId: _own, ...rest } = body
  return JSON.parse(JSON.stringify(rest).replaceAll(id, 'IT')) as Record<string, unknown>
}
