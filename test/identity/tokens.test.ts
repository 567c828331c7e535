import { describe, expect, it } from 'vitest'
import { SCOPES } from '../../src/contract/identity.ts'
import { ENDPOINTS, pathOf } from '../support/matrix-endpoints.ts'
import type { Makers } from '../support/matrix-makers.ts'
import { type MatrixWorld, peopleOf, type Somebody } from '../support/matrix-world.ts'
import { ownToken } from '../support/own-token.ts'
import { madeTokensHere, minted, WISH } from './made-tokens.ts'

let world: MatrixWorld
let make: Makers
let admin: Somebody

const { trailOf } = madeTokensHere((there) => {
  ;({ world, make, admin } = there)
})
const works = async (token: string) => (await world.broker.api(token).get('/api/me')).status === 200

describe('a token that somebody else made', () => {
  it('reads and asks for its person, and is not made to do more', async () => {
    const bo = await world.person('bo')
    const { token, ...kept } = await minted(admin.api, { userId: bo.id, scopes: ['read', 'request', 'audit'] })
    expect(kept).toMatchObject({ userId: bo.id, delegated: true, scopes: ['read', 'request', 'audit'] })
    const api = world.broker.api(token)
    expect((await api.get('/api/me')).body).toMatchObject({ id: bo.id })
    expect((await make.request({ ...bo, api }, await world.flow({ kind: 'automatic' }))).state).toBe('approved')
    for (const scope of ['approve', 'manage']) {
      expect(await admin.api.post('/api/tokens', { ...WISH, userId: bo.id, scopes: ['read', scope] })).toMatchObject({
        status: 403,
        body: { code: 'auth.forbidden', field: 'scopes' },
      })
    }
  })

  it('decides, manages and opens nothing, whatever it was made with once', async () => {
    const bo = await world.person('bo', ['admin', 'approver', 'member'])
    const asker = await world.person('asker')
    const { id, token } = await minted(admin.api, { userId: bo.id, scopes: ['read', 'request'] })
    await world.query('update api_tokens set scopes = $2 where id = $1', [id, [...SCOPES]])
    const api = world.broker.api(token)
    const flow = await world.flow({ kind: 'approvers', ...peopleOf(bo) })
    const request = await make.request(asker, flow)
    const { grantId } = await make.request(bo, await world.flow({ kind: 'automatic' }))
    for (const answer of [
      api.post(`/api/access-requests/${request.id}/approvals`, { decision: 'approve' }),
      api.post(`/api/grants/${grantId}/open`),
      api.post(`/api/grants/${grantId}/revoke`, { reason: 'x' }),
      api.post('/api/users', make.bodies.user()),
      api.post('/api/tokens', WISH),
      api.delete(`/api/tokens/${(await ownToken(world.broker.database, asker.id, ['read'])).id}`),
    ]) {
      expect(await answer).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
    }
    expect((await api.get('/api/me')).body.scopes).toEqual(['read', 'request', 'audit'])
    expect((await api.get(`/api/access-requests/${request.id}`)).body).toMatchObject({ state: 'pending', approvals: [] })
  })

  it('ends with the person who made it', async () => {
    const leaver = await world.person('leaver', ['admin'])
    const bo = await world.person('bo')
    const { token } = await minted(leaver.api, { userId: bo.id })
    expect(await works(token)).toBe(true)
    await admin.api.must(admin.api.patch(`/api/users/${leaver.id}`, { state: 'disabled' }))
    expect(await works(token)).toBe(false)
    expect(await works(bo.token)).toBe(true)
  })

  it('is in the hands of who made it, though nobody made the one they came with', async () => {
    const first = { ...(await world.admin.must(world.admin.get('/api/me'))), api: world.admin } as Somebody
    const bo = await world.person('bo')
    const { token } = await minted(world.admin, { userId: bo.id, scopes: ['read', 'request'] })
    const { id } = await make.request(
      { ...bo, api: world.broker.api(token) },
      await world.flow({ kind: 'approvers', ...peopleOf(first, admin) }),
    )
    const decided = await first.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
    expect(decided).toMatchObject({ status: 403, body: { code: 'access.self_approval' } })
  })

  it('is made for nobody who signs in, and one from before does not count', async () => {
    const bo = await world.person('bo')
    const { token } = await minted(admin.api, { userId: bo.id })
    const [theirs] = await world.query<{ id: string }>(
      `insert into identities (issuer, subject, user_id) values ('https://idp', $1, $1) returning user_id as id`,
      [bo.id],
    )
    expect(theirs).toBeDefined()
    expect(await works(token)).toBe(false)
    expect(await works(bo.token)).toBe(true)
    expect(await admin.api.post('/api/tokens', { ...WISH, userId: bo.id })).toMatchObject({
      status: 409,
      body: { code: 'conflict', field: 'userId' },
    })
    expect(await admin.api.post(`/api/users/${bo.id}/enrolment-code`, {})).toMatchObject({ status: 409 })
  })
})

describe('a token made with another', () => {
  it('ends when that one does, at the latest', async () => {
    const bo = await world.person('bo')
    const parent = await ownToken(world.broker.database, bo.id, SCOPES, 60)
    const child = await minted(world.broker.api(parent.token), { scopes: [...SCOPES], expiresInSeconds: 366 * 86_400 })
    const [kept] = await world.query<{ ends: Date }>('select expires_at as ends from api_tokens where id = $1', [parent.id])
    expect(child).toMatchObject({ parentId: parent.id, delegated: false, expiresAt: kept!.ends.toISOString() })
    const short = await minted(world.broker.api(child.token), { expiresInSeconds: 5 })
    expect(Date.parse(short.expiresAt)).toBeLessThan(Date.parse(child.expiresAt))
  })

  it('is revoked with it, and what was made with that', async () => {
    const bo = await world.person('bo')
    const child = await minted(bo.api, { scopes: [...SCOPES] })
    const grandchild = await minted(world.broker.api(child.token), { scopes: [...SCOPES] })
    const other = await minted(bo.api)
    expect((await bo.api.delete(`/api/tokens/${child.id}`)).status).toBe(204)
    expect([await works(child.token), await works(grandchild.token), await works(other.token)]).toEqual([false, false, true])
    for (const { id } of [child, grandchild]) {
      expect((await trailOf(id)).map(({ kind, actor }) => [kind, actor])).toEqual([
        ['token.created', bo.id],
        ['token.revoked', bo.id],
      ])
    }
  })

  it('does not slip through while that one is being revoked', async () => {
    const bo = await world.person('bo')
    const parent = await minted(bo.api, { scopes: [...SCOPES] })
    const busy = world.broker.api(parent.token)
    const children: string[] = []
    const minting = Array.from({ length: 12 }, async () => {
      for (;;) {
        const { status, body } = await busy.post('/api/tokens', WISH)
        if (status === 201) children.push(body.token)
        else return status
      }
    })
    expect((await bo.api.delete(`/api/tokens/${parent.id}`)).status).toBe(204)
    expect(new Set(await Promise.all(minting))).toEqual(new Set([401]))
    expect(await Promise.all(children.map(works))).toEqual(children.map(() => false))
  })
})

describe('the scope of a token', () => {
  it('read makes no token, and ends nothing of anybody else’s', async () => {
    const bo = await world.person('bo')
    const theirs = await ownToken(world.broker.database, bo.id, ['read'])
    const session = await make.sessionOf(bo)
    const reader = await admin.with(['read'])
    expect((await reader.post('/api/tokens', WISH)).status).toBe(403)
    expect((await reader.post('/api/tokens', { ...WISH, userId: bo.id })).status).toBe(403)
    for (const path of [`/api/tokens/${theirs.id}`, `/api/sessions/${session}`]) {
      expect(await reader.delete(path)).toMatchObject({ status: 403, body: { fix: 'use a token with the scope manage' } })
    }
    expect(await works(theirs.token)).toBe(true)
    for (const path of [`/api/tokens/${theirs.id}`, `/api/sessions/${session}`]) {
      expect((await admin.api.delete(path)).status).toBe(204)
    }
  })

  it('read gives up what is one’s own', async () => {
    const bo = await world.person('bo')
    const { id, token } = await ownToken(world.broker.database, bo.id, ['read'])
    expect((await world.broker.api(token).delete(`/api/tokens/${id}`)).status).toBe(204)
    expect(await works(token)).toBe(false)
  })
})

describe('every change that takes the scope manage', () => {
  // What only takes away waits for no provider.
  const TAKES_AWAY = [
    'DELETE /api/users/:id/sessions',
    'DELETE /api/users/:id/enrolment-code',
    'DELETE /api/scim-tokens/:id',
    'POST /api/integrations/:id/pause',
  ]
  const CHANGES = Object.entries(ENDPOINTS).filter(([name, { who }]) => who.startsWith('manage') && !name.startsWith('GET'))

  it('has the provider confirm who came from it, but for what only takes away', async () => {
    const boss = await world.person('boss', ['admin', 'owner'])
    // Of a provider that cannot be asked: a person who must be confirmed is not.
    await world.query(`insert into identities (issuer, subject, user_id) values ('https://gone', 'boss', $1)`, [boss.id])
    expect(await works(boss.token)).toBe(true)
    const asked: string[] = []
    for (const [name] of CHANGES) {
      const method = name.split(' ')[0] as 'POST'
      const answer = await boss.api.send(method, pathOf(name, {}), method === ('DELETE' as string) ? undefined : {})
      if (answer.status === 401) asked.push(name)
    }
    expect(CHANGES.length).toBeGreaterThan(30)
    expect(asked).toEqual(CHANGES.map(([name]) => name).filter((name) => !TAKES_AWAY.includes(name)))
  })
})

describe('an answer', () => {
  it('is kept by nobody on the way, unless it is for everybody', async () => {
    const kept: string[] = []
    for (const [name, { who }] of Object.entries(ENDPOINTS)) {
      if (who === 'public') continue
      const [method = ''] = name.split(' ')
      const { headers } = await world.admin.send(method as 'GET', pathOf(name, {}), method === 'GET' ? undefined : { x: 1 })
      if (headers['cache-control'] !== 'no-store') kept.push(name)
    }
    expect(kept).toEqual([])
    const list = await world.admin.get('/api/users')
    expect([list.status, list.headers['cache-control']]).toEqual([200, 'no-store'])
  })
})
