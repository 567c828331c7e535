import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { ROLES, SCOPES } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import { within } from '../support/database.ts'
import { type Makers, makersOf } from '../support/matrix-makers.ts'
import { type MatrixWorld, peopleOf, type Somebody, stage, startMatrixWorld } from '../support/matrix-world.ts'
import { tokenThrough } from '../support/own-token.ts'

let world: MatrixWorld
let make: Makers
beforeAll(async () => {
  world = await startMatrixWorld()
  make = makersOf(world)
})
afterAll(() => world?.close())

const patch = (id: string, change: object) => world.admin.must(world.admin.patch(`/api/users/${id}`, change))
/** Gone and back again before anything that runs every few seconds can have looked. */
async function leavesAndReturns(who: Somebody): Promise<void> {
  await patch(who.id, { state: 'disabled' })
  await patch(who.id, { state: 'active' })
}
/** The same in one commit: no due work runs in between. */
async function leavesAndReturnsAtOnce(who: Somebody): Promise<void> {
  await within(world.broker.database.url, async (client) => {
    await client.query('begin')
    await client.query(`update users set state = 'disabled' where id = $1`, [who.id])
    await client.query(`update users set state = 'active' where id = $1`, [who.id])
    await client.query('commit')
  })
}

async function puppet(who: Somebody, maker: Somebody, broker = world.broker): Promise<Api> {
  return broker.api((await tokenThrough(broker.database, who.id, SCOPES, [who.id, maker.id])).token)
}
const ask = (api: Api, flowId: string) => api.must(api.post('/api/access-requests', { ...make.bodies.ask(), flowId }))
const press = (api: Api, id: string) => api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve', reason: 'so' })
const requestOf = async (id: string) => (await world.admin.get(`/api/access-requests/${id}`)).body
const grantOf = async (id: string) => (await world.admin.get(`/api/grants/${id}`)).body
const proposalOf = async (id: string) => (await world.admin.get(`/api/proposals/${id}`)).body
const people = () =>
  Promise.all(['bo', 'xena', 'yan', 'eve'].map((name) => world.person(name, name === 'bo' ? ['member'] : ROLES)))

describe('an approval', () => {
  it.each([
    ['by somebody', (xena: Somebody) => Promise.resolve(xena.api), 1],
    ['through the hands of somebody', (xena: Somebody, eve: Somebody) => puppet(xena, eve), 3],
  ])('%s who left counts no more when they are back, and can be given again', async (_, through, leaver) => {
    const all = await people()
    const [bo, xena, yan, eve] = all as [Somebody, Somebody, Somebody, Somebody]
    const { id } = await ask(bo.api, await world.flow({ kind: 'approvers', ...peopleOf(xena, yan), needed: 2 }))
    expect((await press(await through(xena, eve), id)).body.state).toBe('pending')
    await leavesAndReturnsAtOnce(all[leaver]!)
    expect((await press(yan.api, id)).body.state, 'one counts').toBe('pending')
    expect((await requestOf(id)).waitsFor).toMatchObject([{ missing: 1 }])
    const [void_] = await world.query(
      `select body::jsonb as data from audit_events where kind = 'approval.void' and subject = $1`,
      [id],
    )
    expect(void_).toMatchObject({ data: { approver: xena.id, stage: 0 } })
    const again = world.broker.api((await tokenThrough(world.broker.database, xena.id, SCOPES, [xena.id])).token)
    expect((await press(again, id)).body.state).toBe('approved')
  })

  it('of a stage that is over no longer counts either: the request goes back to it', async () => {
    const [bo, xena, yan] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const { id } = await ask(bo.api, await world.flow({ kind: 'stages', stages: [stage(xena), stage(yan)] }))
    await press(xena.api, id)
    await leavesAndReturnsAtOnce(xena)
    expect((await press(yan.api, id)).body.state).toBe('pending')
    expect((await requestOf(id)).stage).toBe(0)
  })

  it('by somebody who left the group that may decide stays void when they are in it again', async () => {
    const [bo, xena, yan] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const group = await make.group()
    const member = `/api/groups/${group}/members/${xena.id}`
    await world.admin.must(world.admin.put(member))
    const { id } = await ask(bo.api, await world.flow({ kind: 'approvers', users: [yan.id], groups: [group], needed: 2 }))
    await press(xena.api, id)
    await world.admin.must(world.admin.delete(member))
    await waitFor('it to be void', async () => {
      return (await world.query(`select 1 from audit_events where kind = 'approval.void' and subject = $1`, [id])).length > 0
    })
    await world.admin.must(world.admin.put(member))
    expect((await press(yan.api, id)).body.state).toBe('pending')
    expect((await press(xena.api, id)).body.state).toBe('approved')
  })
})

describe('a request made through the hands of somebody who left', () => {
  it('is not approved, and ends, although they are back', async () => {
    const [bo, xena, , eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const flow = await world.flow({ kind: 'approvers', ...peopleOf(xena) })
    const first = await ask(await puppet(bo, eve), flow)
    await leavesAndReturnsAtOnce(eve)
    const answer = await press(xena.api, first.id)
    expect(answer, answer.text).toMatchObject({
      status: 409,
      body: { code: 'conflict', message: expect.stringContaining('disabled') },
    })
    const second = await ask(await puppet(bo, eve), flow)
    await leavesAndReturns(eve)
    await waitFor('it to end', async () => (await requestOf(second.id)).state === 'cancelled')
    expect((await requestOf(second.id)).endReason).toBe('token_maker_disabled')
  })

  it('becomes no grant that goes on: what was asked for, extended or opened with their token ends', async () => {
    const [bo, , , eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const flow = await world.flow({ kind: 'automatic' }, { maxSeconds: 3600 })
    const active = async (api: Api) => {
      const { grantId } = await ask(api, flow)
      await waitFor('the grant', async () => (await grantOf(grantId)).state === 'active')
      return grantId as string
    }
    const [asked, extended, opened, untouched] = [
      await active(await puppet(bo, eve)),
      await active(bo.api),
      await active(bo.api),
      await active(bo.api),
    ]
    const theirs = await puppet(bo, eve)
    await theirs.must(theirs.post(`/api/grants/${extended}/extend`, { seconds: 60 }))
    await theirs.must(theirs.post(`/api/grants/${opened}/open`))
    await leavesAndReturns(eve)
    for (const id of [asked, extended, opened]) {
      await waitFor(`${id} to end`, async () => (await grantOf(id)).state === 'revoked')
      expect((await grantOf(id)).endReason).toBe('token_maker_disabled')
    }
    expect((await grantOf(untouched!)).state).toBe('active')
  })

  it('ends what lives when the work that their end left behind is lost', async () => {
    const [bo, , , eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const { grantId } = await ask(await puppet(bo, eve), await world.flow({ kind: 'automatic' }))
    await waitFor('the grant', async () => (await grantOf(grantId)).state === 'active')
    await world.query(`update users set state = 'disabled' where id = $1`, [eve.id])
    await waitFor('it to end', async () => (await grantOf(grantId)).state === 'revoked', 30_000)
  })
})

describe('a proposal', () => {
  const propose = async (api: Api) => {
    const flow = await make.flow()
    return (await api.must(api.patch(`/api/access-flows/${flow}`, { active: true }))).id as string
  }
  const withdrawn = (id: string) => waitFor('it to be withdrawn', async () => (await proposalOf(id)).state === 'withdrawn')

  it.each([
    ['by somebody', 0],
    ['through the hands of somebody', 1],
  ])('%s who was disabled is void, and stays so when they are back at once', async (_, leaver) => {
    const [, xena, yan, eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const id = await propose(await puppet(xena, eve, world.cautious))
    await leavesAndReturnsAtOnce([xena, eve][leaver]!)
    const accepted = await world.cautious.api(yan.token).post(`/api/proposals/${id}/accept`)
    expect(accepted, accepted.text).toMatchObject({ status: 409 })
    expect((await proposalOf(id)).state).toBe('withdrawn')
  })

  it.each([
    ['by somebody', 0],
    ['through the hands of somebody', 1],
  ])('%s who lost only the role is withdrawn at once, and stays so when they have it again', async (_, loser) => {
    const [, xena, yan, eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const id = await propose(await puppet(xena, eve, world.cautious))
    const who = [xena, eve][loser]!
    await patch(who.id, { roles: ['member'] })
    await withdrawn(id)
    await patch(who.id, { roles: [...ROLES] })
    expect((await world.cautious.api(yan.token).post(`/api/proposals/${id}/accept`)).status).toBe(409)
  })

  it('is withdrawn with the group that gave the role to the maker of the token', async () => {
    const [, xena, , eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const group = await make.group()
    await world.admin.must(world.admin.put(`/api/groups/${group}/members/${eve.id}`))
    await world.admin.must(world.admin.put(`/api/role-groups/admin/${group}`))
    await patch(eve.id, { roles: ['member'] })
    const id = await propose(await puppet(xena, eve, world.cautious))
    await world.admin.must(world.admin.delete(`/api/role-groups/admin/${group}`))
    await withdrawn(id)
  })

  it('that was accepted is not made once who accepted it has left, or may have had their token in hand', async () => {
    const [, xena, yan, eve] = (await people()) as [Somebody, Somebody, Somebody, Somebody]
    const id = await propose(world.cautious.api(xena.token))
    // Accepted by a daemon that died before it made anything.
    const hands = [yan.id, eve.id]
    await world.query(
      `update proposals set state = 'accepted', decided_by = $2, decided_hands = $3, decided_at = now() where id = $1`,
      [id, yan.id, hands],
    )
    await leavesAndReturnsAtOnce(eve)
    await waitFor('it to fail', async () => (await proposalOf(id)).state === 'failed', 30_000)
    expect((await proposalOf(id)).problem).toMatchObject({ message: expect.stringContaining('accepted it') })
  })
})
