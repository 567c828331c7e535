import { describe, expect, it } from 'vitest'
import { SCOPES } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import type { Makers } from '../support/matrix-makers.ts'
import { type MatrixWorld, peopleOf, type Somebody } from '../support/matrix-world.ts'
import { madeTokensHere, minted } from './made-tokens.ts'

let world: MatrixWorld
let make: Makers
let admin: Somebody

const { trailOf } = madeTokensHere((there) => {
  ;({ world, make, admin } = there)
})

describe('an enrolment code', () => {
  const codeFor = (api: Api, who: { readonly id: string }, more: object = {}) =>
    api.must(api.post(`/api/users/${who.id}/enrolment-code`, more))
  const redeem = (code: string, more: object = {}) => world.broker.api().post('/api/enrolments', { code, ...more })
  const refused = { status: 403, body: { code: 'auth.forbidden', message: expect.stringContaining('enrolment code') } }

  it('is redeemed once, by anybody who has it, for a token of its person with every scope', async () => {
    const bo = await world.person('bo')
    const made = await codeFor(admin.api, bo)
    expect(made).toMatchObject({ userId: bo.id, code: expect.stringMatching(/^lke_[0-9A-Za-z]{43}$/) })
    const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(made.code, { name: 'laptop' })))
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 403, 403, 403, 403])
    const { body, headers } = answers.find(({ status }) => status === 201)!
    expect(body).toMatchObject({
      userId: bo.id,
      name: 'laptop',
      scopes: SCOPES,
      delegated: false,
      parentId: expect.stringMatching(/^tok_/),
    })
    expect(headers['cache-control']).toBe('no-store')
    expect((await world.broker.api(body.token).get('/api/me')).body).toMatchObject({ id: bo.id })
    expect(await redeem(made.code)).toMatchObject(refused)
    expect(await trailOf(made.id)).toEqual([
      { kind: 'enrolment.created', actor: admin.id, userId: bo.id, expiresAt: made.expiresAt },
      {
        kind: 'enrolment.redeemed',
        actor: bo.id,
        userId: bo.id,
        madeBy: admin.id,
        tokenId: body.id,
      },
    ])
    expect(await world.query('select distinct address from audit_events where subject = $1', [made.id])).toEqual([
      { address: '127.0.0.1' },
    ])
    const everywhere = JSON.stringify([
      await world.query('select t::text from enrolment_codes t'),
      await world.query('select e::text from audit_events e'),
      world.broker.log,
    ])
    expect(everywhere).not.toContain(made.code.slice(4, 20))
  })

  it('is refused when it is over, withdrawn, followed by another, or of somebody who is disabled', async () => {
    const [over, withdrawn, followed, gone] = await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.person(name)))
    const codes = await Promise.all([over!, withdrawn!, followed!, gone!].map((who) => codeFor(admin.api, who)))
    await world.query(`update enrolment_codes set created_at = now() - interval '2 hours', expires_at = now() where id = $1`, [
      codes[0].id,
    ])
    expect((await admin.api.delete(`/api/users/${withdrawn!.id}/enrolment-code`)).status).toBe(204)
    const second = await codeFor(admin.api, followed!)
    await admin.api.must(admin.api.patch(`/api/users/${gone!.id}`, { state: 'disabled' }))
    await admin.api.must(admin.api.patch(`/api/users/${gone!.id}`, { state: 'active' }))
    for (const { code } of codes) expect(await redeem(code)).toMatchObject(refused)
    expect(await redeem(`lke_${'0'.repeat(43)}`)).toMatchObject(refused)
    expect((await redeem(second.code)).status).toBe(201)
  })

  it('is worth nothing without the admin who made it, or the token they made it with', async () => {
    const bo = await world.person('bo')
    const leaver = await world.person('leaver', ['admin'])
    const first = await codeFor(leaver.api, bo)
    await admin.api.must(admin.api.patch(`/api/users/${leaver.id}`, { roles: ['member'] }))
    expect(await redeem(first.code)).toMatchObject(refused)
    const lent = await minted(admin.api, { scopes: ['manage'] })
    const second = await codeFor(world.broker.api(lent.token), bo)
    await admin.api.must(admin.api.delete(`/api/tokens/${lent.id}`))
    expect(await redeem(second.code)).toMatchObject(refused)
  })

  it('is made by admins, and for nobody who is in', async () => {
    const [bo, owner] = [await world.person('bo'), await world.person('owner', ['owner', 'auditor', 'approver'])]
    expect((await owner.api.post(`/api/users/${bo.id}/enrolment-code`, {})).status).toBe(403)
    expect((await admin.api.post(`/api/users/${admin.id}/enrolment-code`, {})).status).toBe(409)
    for (const expiresInSeconds of [0, 7 * 86_400 + 1, '60']) {
      expect(await admin.api.post(`/api/users/${bo.id}/enrolment-code`, { expiresInSeconds })).toMatchObject({
        status: 400,
        body: { field: 'expiresInSeconds' },
      })
    }
  })

  it('gives the admin who made it no second person to decide as', async () => {
    const other = await world.person('other')
    // One whose own token nobody made: nothing but the code says whose hands it was in.
    const first = { ...(await world.admin.must(world.admin.get('/api/me'))), api: world.admin } as Somebody
    for (const maker of [admin, first]) {
      const bo = await world.person('bo')
      const { token } = await world.admin.must(redeem((await codeFor(maker.api, bo)).code))
      const api = world.broker.api(token)
      const own = await minted(api, { scopes: [...SCOPES] })
      const flow = await world.flow({ kind: 'approvers', ...peopleOf(maker, other) })
      for (const hand of [api, world.broker.api(own.token)]) {
        const { id } = await make.request({ ...bo, api: hand }, flow)
        const press = (by: Somebody) => by.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
        expect(await press(maker)).toMatchObject({ status: 403, body: { code: 'access.self_approval' } })
        expect(await press(other)).toMatchObject({ status: 200, body: { state: 'approved' } })
      }
    }
  })
})
