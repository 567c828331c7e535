import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { ROLES, SCOPES } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import { type Makers, makersOf } from '../support/matrix-makers.ts'
import { type MatrixWorld, peopleOf, type Somebody, stage, startMatrixWorld } from '../support/matrix-world.ts'
import { tokenThrough } from '../support/own-token.ts'

let world: MatrixWorld
let make: Makers
/** one admin, who tries to be everybody */
let eve: Somebody
let bo: Somebody
let xena: Somebody
let yan: Somebody

beforeAll(async () => {
  world = await startMatrixWorld()
  make = makersOf(world)
  eve = await world.person('eve', ROLES)
  bo = await world.person('bo')
  ;[xena, yan] = [await world.person('xena', ['admin', 'approver']), await world.person('yan', ['admin', 'approver'])]
})
afterAll(() => world?.close())

/** A token of somebody's in other hands as well, whatever the road by which they got it. */
async function puppet(who: Somebody, makers: readonly Somebody[] = [eve], broker = world.broker): Promise<Api> {
  const ids = makers.map((maker) => maker.id)
  return broker.api((await tokenThrough(broker.database, who.id, SCOPES, ids)).token)
}
const ask = (api: Api, flowId: string, more: object = {}) =>
  api.must(api.post('/api/access-requests', { ...make.bodies.ask(), flowId, ...more }))
const press = (api: Api, id: string, decision = 'approve') =>
  api.post(`/api/access-requests/${id}/approvals`, { decision, reason: 'so' })
const active = (grantId: string) =>
  waitFor('the grant', async () => (await world.admin.get(`/api/grants/${grantId}`)).body.state === 'active')
const refused = async (answer: ReturnType<typeof press>) => {
  const { status, body, text } = await answer
  expect(status, text).toBe(403)
  expect(['access.self_approval', 'access.same_person', 'auth.forbidden']).toContain(body.code)
}
const stateOf = async (id: string) => (await world.admin.get(`/api/access-requests/${id}`)).body.state

describe('one admin alone, with tokens made for others', () => {
  it('does not ask as one of them and approve as the other', async () => {
    const flow = await world.flow({ kind: 'approvers', ...peopleOf(xena, yan) })
    const { id } = await ask(await puppet(bo), flow)
    await refused(press(await puppet(xena), id))
    await refused(press(await puppet(xena), id, 'reject'))
    expect(await stateOf(id)).toBe('pending')
    expect((await press(yan.api, id)).body.state).toBe('approved')
  })

  it('is not two approvers', async () => {
    for (const approval of [
      { kind: 'approvers', ...peopleOf(xena, yan, eve), needed: 2 },
      { kind: 'stages', stages: [stage(xena, yan, eve), stage(xena, yan, eve)] },
      { kind: 'stages', stages: [{ ...stage(xena, yan, eve), needed: 2 }], mayRepeat: true },
    ]) {
      const { id } = await ask(bo.api, await world.flow(approval))
      await press(await puppet(xena), id)
      await refused(press(await puppet(yan), id))
      expect(await stateOf(id)).toBe('pending')
    }
  })

  it('is not two approvers through a token of their own that was made with somebody else’s', async () => {
    const { id } = await ask(bo.api, await world.flow({ kind: 'approvers', ...peopleOf(xena, eve), needed: 2 }))
    expect((await press(eve.api, id)).body.state).toBe('pending')
    await refused(press(await puppet(xena, [eve, xena]), id))
    expect(await stateOf(id)).toBe('pending')
  })

  it('does not propose as one and accept as the other', async () => {
    const flow = await make.flow()
    const asXena = await puppet(xena, [eve], world.cautious)
    const proposed = await asXena.patch(`/api/access-flows/${flow}`, { active: true })
    const id = proposed.status === 202 ? proposed.body.id : (await proposalOf(eve, flow)).id
    await refused((await puppet(yan)).post(`/api/proposals/${id}/accept`))
    expect((await world.admin.get(`/api/access-flows/${flow}`)).body.active).toBe(false)
    expect((await yan.api.post(`/api/proposals/${id}/accept`)).body.state).toBe('performed')
  })

  it('does not approve as themselves and then open, or extend, as the grantee', async () => {
    const { id } = await ask(bo.api, await world.flow({ kind: 'approvers', ...peopleOf(eve) }))
    const { grantId } = (await press(eve.api, id)).body
    await active(grantId)
    const asBo = await puppet(bo)
    await refused(asBo.post(`/api/grants/${grantId}/open`))
    await refused(asBo.post(`/api/grants/${grantId}/extend`, { seconds: 60 }))
    const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${grantId}&kind=credential.`))
    expect(items).toEqual([])
    expect((await bo.api.post(`/api/grants/${grantId}/open`)).status).toBe(200)
    expect((await bo.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 })).status).toBe(201)
  })

  it('does not ask for more time as the grantee and approve it', async () => {
    const { id } = await ask(bo.api, await world.flow({ kind: 'approvers', ...peopleOf(xena, eve) }))
    const { grantId } = (await press(xena.api, id)).body
    await active(grantId)
    const asked = await (await puppet(bo)).post(`/api/grants/${grantId}/extend`, { seconds: 60 })
    expect(asked.status).toBe(201)
    await refused(press(eve.api, asked.body.id))
    await refused(press(await puppet(xena), asked.body.id))
  })

  it('does not open as the grantee at the moment in which they approve more time', async () => {
    const flow = await world.flow({ kind: 'approvers', ...peopleOf(xena, eve) })
    const asBo = await puppet(bo)
    for (let time = 0; time < 8; time++) {
      const { id } = await ask(bo.api, flow)
      const { grantId } = (await press(xena.api, id)).body
      await active(grantId)
      const more = await bo.api.must(bo.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 }))
      const both = [() => asBo.post(`/api/grants/${grantId}/open`), () => press(eve.api, more.id)]
      const answers = await Promise.all((time % 2 ? both : both.toReversed()).map((act) => act()))
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403])
    }
  })

  it('does not take an emergency as one and review it as another', async () => {
    const approval = { kind: 'emergency', alert: peopleOf(xena), reviewers: peopleOf(xena, yan, eve) }
    const { id } = await ask(await puppet(bo), await world.flow(approval), { emergency: true })
    const [review] = await world.query<{ id: string }>('select id from emergency_reviews where request_id = $1', [id])
    const close = (api: Api) => api.post(`/api/emergency-reviews/${review!.id}/close`, { note: 'fine' })
    await refused(close(await puppet(yan)))
    await refused(close(eve.api))
    expect((await close(yan.api)).status).toBe(200)
  })
})

describe('what was done', () => {
  it('keeps in whose hands it was', async () => {
    const asBo = await puppet(bo)
    const tokenId = (await asBo.get('/api/me')).body.tokenId
    const { id } = await ask(asBo, await world.flow({ kind: 'approvers', ...peopleOf(xena) }))
    const { grantId } = (await press(xena.api, id)).body
    await active(grantId)
    await bo.api.must(bo.api.post(`/api/grants/${grantId}/open`))
    await asBo.must(asBo.post(`/api/grants/${grantId}/report`, { note: 'stolen' }))
    const [request] = await world.query('select hands, done_with as with from access_requests where id = $1', [id])
    expect(request).toEqual({ hands: [bo.id, eve.id].sort(), with: tokenId })
    const [approval] = await world.query('select hands, done_with like $2 as "isToken" from approvals where request_id = $1', [
      id,
      'tok_%',
    ])
    expect(approval).toEqual({ hands: [xena.id], isToken: true })
    const [opening] = await world.query('select hands from openings where grant_id = $1', [grantId])
    expect(opening).toEqual({ hands: [bo.id] })
    const [grant] = await world.query('select ended_hands as hands, ended_with as with from grants where id = $1', [grantId])
    expect(grant).toEqual({ hands: [bo.id, eve.id].sort(), with: tokenId })
  })

  it('cannot be written down against the rule by anything that reaches the database', async () => {
    const { id } = await ask(bo.api, await world.flow({ kind: 'approvers', ...peopleOf(xena, yan), needed: 2 }))
    const insert = (by: Somebody, hands: string[]) =>
      world.query(
        `insert into approvals (id, request_id, stage, approver_id, decision, hands) values (gen_random_uuid(), $1, 0, $2, 'approve', $3)`,
        [id, by.id, hands],
      )
    await expect(insert(xena, [xena.id, bo.id])).rejects.toThrow('by the hand that made the request')
    await insert(xena, [xena.id, eve.id])
    await expect(insert(yan, [yan.id, eve.id])).rejects.toThrow('by one hand')
    await insert(yan, [])
    const { id: proposal } = await proposalOf(eve, await make.flow())
    const accept = (hands: string[]) =>
      world.query(
        `update proposals set state = 'accepted', decided_at = now(), decided_by = $2, decided_hands = $3 where id = $1`,
        [proposal, yan.id, hands],
      )
    await expect(accept([yan.id, eve.id])).rejects.toThrow('proposals_accepted_by_somebody_else')
  })
})

async function proposalOf(who: Somebody, flow: string): Promise<{ id: string }> {
  const api = world.cautious.api(who.token)
  return api.must(api.patch(`/api/access-flows/${flow}`, { active: true }))
}
