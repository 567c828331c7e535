import { describe, expect, it } from 'vitest'
import type { Broker } from '../support/broker.ts'
import { HOUR, NOBODY, personsHere } from '../support/persons.ts'

let broker: Broker
const { person, trailOf } = personsHere((started) => {
  broker = started
})

describe('a token', () => {
  it('is shown once, and the database cannot tell it', async () => {
    const { api, id: userId } = await person()
    const minted = await api.post('/api/tokens', { name: 'laptop', scopes: ['request', 'read', 'read'], expiresInSeconds: HOUR })
    expect(minted).toMatchObject({
      status: 201,
      body: { userId, name: 'laptop', scopes: ['read', 'request'], revokedAt: null, lastUsedAt: null },
    })
    expect(minted.headers['cache-control']).toBe('no-store')
    const { token, ...kept } = minted.body
    expect(token).toMatch(/^lk_[0-9A-Za-z]{43}$/)
    expect(Date.parse(kept.expiresAt) - Date.parse(kept.createdAt)).toBe(HOUR * 1000)
    const list = await api.get('/api/tokens')
    expect(list.body.items).toContainEqual(kept)
    const everywhere = JSON.stringify([
      list.body,
      await broker.database.query('select t::text from api_tokens t'),
      await broker.database.query('select e::text from audit_events e'),
      broker.log,
    ])
    expect(everywhere).not.toContain(token)
    expect(everywhere).not.toContain(token.slice(3, 20))
  })

  it('says when it was last used, without a write per call', async () => {
    const { tokenId, api } = await person()
    const used = async () =>
      (
        await broker.database.query<{ at: Date }>('select last_used_at as at from api_tokens where id = $1', [tokenId])
      )[0]!.at?.getTime()
    expect(await used()).toBeUndefined()
    await api.get('/api/me')
    const first = await used()
    expect(first).toBeTypeOf('number')
    await api.get('/api/me')
    expect(await used()).toBe(first)
    await broker.database.query(`update api_tokens set last_used_at = now() - interval '61 seconds' where id = $1`, [tokenId])
    await Promise.all(Array.from({ length: 10 }, () => api.get('/api/me')))
    expect(await used()).toBeGreaterThanOrEqual(first!)
  })

  it('gives no scope its maker’s own token lacks', async () => {
    const { api } = await person(['member'], ['read', 'request', 'manage'])
    expect(await api.post('/api/tokens', { name: 'more', scopes: ['read', 'approve'], expiresInSeconds: HOUR })).toMatchObject({
      status: 403,
      body: { code: 'auth.forbidden', field: 'scopes' },
    })
  })

  it('for somebody else is made by an admin and nobody else', async () => {
    const wish = { name: 'for you', scopes: ['read'], expiresInSeconds: HOUR }
    const member = await person()
    const approver = await person(['approver'])
    expect(await member.api.post('/api/tokens', { ...wish, userId: approver.id })).toMatchObject({
      status: 403,
      body: { field: 'userId' },
    })
    for (const { id } of [member, approver]) {
      expect(await broker.admin.post('/api/tokens', { ...wish, userId: id })).toMatchObject({ status: 201, body: { userId: id } })
    }
    expect(await broker.admin.post('/api/tokens', { ...wish, userId: NOBODY })).toMatchObject({
      status: 404,
      body: { field: 'userId' },
    })
    await broker.admin.patch(`/api/users/${member.id}`, { state: 'disabled' })
    expect(await broker.admin.post('/api/tokens', { ...wish, userId: member.id })).toMatchObject({ status: 404 })
  })

  it('of somebody else is not there, except for an admin', async () => {
    const [one, other] = [await person(), await person()]
    expect(await other.api.delete(`/api/tokens/${one.tokenId}`)).toMatchObject({ status: 404 })
    expect(await other.api.get(`/api/tokens?userId=${one.id}`)).toMatchObject({ status: 403 })
    expect((await broker.admin.get(`/api/tokens?userId=${one.id}`)).body.items).toMatchObject([{ id: one.tokenId }])
    for (const act of [broker.admin.delete(`/api/tokens/${one.tokenId}`), broker.admin.delete(`/api/tokens/${one.tokenId}`)]) {
      expect((await act).status).toBe(204)
    }
    expect((await one.api.get('/api/me')).status).toBe(401)
    expect((await trailOf(one.tokenId)).map(({ kind }) => kind)).toEqual(['token.created', 'token.revoked'])
  })
})
