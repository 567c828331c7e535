import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { GROUP, ScimApi, scimToken, USER } from '../support/scim.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker?.close())

const lastOf = async (subject: string) => {
  const [last] = await broker.database.query<{ kind: string; body: string }>(
    'select kind, body from audit_events where subject = $1 order by id desc limit 1',
    [subject],
  )
  return { kind: last!.kind, ...JSON.parse(last!.body) }
}
const withToken = (token?: string) => new ScimApi(broker.api(token))

describe('a SCIM token', () => {
  it('opens SCIM and nothing else, and nothing else opens SCIM', async () => {
    const { token } = await scimToken(broker)
    for (const path of ['/Users', '/Groups', '/ServiceProviderConfig', '/ResourceTypes', '/Schemas']) {
      expect((await withToken(token).get(path)).status, path).toBe(200)
      for (const other of [undefined, broker.adminToken, `lks_${'0'.repeat(43)}`, token.replace('lks_', 'lk_'), `${token}x`]) {
        const { status, headers, body } = await withToken(other).get(path)
        expect({ status, type: headers['content-type'] }).toEqual({
          status: 401,
          type: 'application/scim+json; charset=utf-8',
        })
        expect(body).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' })
      }
    }
    for (const path of ['/api/me', '/api/users', '/api/grants', '/api/scim-tokens']) {
      expect((await broker.api(token).get(path)).status, path).toBe(401)
    }
    const created = await withToken(broker.adminToken).post('/Users', { schemas: [USER], userName: 'sneaked' })
    expect(created.status).toBe(401)
  })

  it('ends when it is revoked, at its expiry, and after the overlap of a rotation', async () => {
    const { admin } = broker
    const revoked = await scimToken(broker)
    expect((await admin.delete(`/api/scim-tokens/${revoked.id}`)).status).toBe(204)
    const expired = await scimToken(broker)
    await broker.database.query(`update scim_tokens set expires_at = now() where id = $1`, [expired.id])
    const old = await scimToken(broker)
    const rotated = await admin.post(`/api/scim-tokens/${old.id}/rotate`, { expiresInSeconds: 3600 })
    expect(rotated.status).toBe(201)
    expect((await withToken(old.token).get('/Users?count=0')).status).toBe(200)
    expect((await withToken(rotated.body.token).get('/Users?count=0')).status).toBe(200)
    await broker.database.query(`update scim_tokens set expires_at = expires_at - interval '1 day' where id = $1`, [old.id])
    for (const { token } of [revoked, expired, old]) expect((await withToken(token).get('/Users')).status).toBe(401)
    expect((await admin.post(`/api/scim-tokens/${revoked.id}/rotate`, { expiresInSeconds: 60 })).status).toBe(404)
    const kept = await broker.database.query('select row_to_json(t)::text as kept from scim_tokens t')
    expect(JSON.stringify(kept)).not.toContain('lks_')
    const trail = await broker.database.query<{ kind: string }>('select kind from audit_events where subject = $1 order by id', [
      old.id,
    ])
    expect(trail.map(({ kind }) => kind)).toEqual(['scim_token.created', 'scim_token.rotated'])
  })

  it('ends with the token it was made with: at its time at the latest, and when somebody revokes that one', async () => {
    const { admin } = broker
    const wish = { name: 'short', scopes: ['read', 'manage'], expiresInSeconds: 60 }
    const lent = await admin.must(admin.post('/api/tokens', wish))
    const made = await scimToken({ admin: broker.api(lent.token) })
    const { items } = await admin.must(admin.get('/api/scim-tokens?limit=1'))
    expect(items).toMatchObject([{ id: made.id, parentId: lent.id, expiresAt: lent.expiresAt, makerLeft: false }])
    expect((await withToken(made.token).get('/Users?count=0')).status).toBe(200)
    await admin.must(admin.delete(`/api/tokens/${lent.id}`))
    expect((await withToken(made.token).get('/Users?count=0')).status).toBe(401)
    expect(await lastOf(made.id)).toMatchObject({
      kind: 'scim_token.revoked',
      reason: 'the token it was made with was revoked',
    })
  })

  it('ends when somebody revokes the token above it once more, which ended with its person and left the connector on', async () => {
    const { admin } = broker
    const leaver = await admin.must(admin.post('/api/users', { name: 'leaves a connector', roles: ['admin'] }))
    const first = await ownToken(broker.database, leaver.id, ['read', 'manage'])
    const theirs = broker.api(first.token)
    const wish = { name: 'below', scopes: ['read', 'manage'], expiresInSeconds: 3600 }
    const second = await theirs.must(theirs.post('/api/tokens', wish))
    const made = await scimToken({ admin: broker.api(second.token) })
    await admin.must(admin.patch(`/api/users/${leaver.id}`, { state: 'disabled' }))
    expect((await withToken(made.token).get('/Users?count=0')).status).toBe(200)
    for (const _ of ['once more', 'and again']) {
      await admin.must(admin.delete(`/api/tokens/${first.id}`))
      expect((await withToken(made.token).get('/Users?count=0')).status).toBe(401)
    }
    const told = await broker.database.query('select 1 from audit_events where subject = $1 and kind = $2', [
      made.id,
      'scim_token.revoked',
    ])
    expect(told).toHaveLength(1)
  })

  it('is revoked with those it was rotated into and from', async () => {
    const { admin } = broker
    const rotated = async (id: string) => admin.must(admin.post(`/api/scim-tokens/${id}/rotate`, { expiresInSeconds: 3600 }))
    for (const revoke of [0, 1, 2]) {
      const first = await scimToken(broker)
      const second = await rotated(first.id)
      const line = [first, second, await rotated(second.id)]
      const other = await scimToken(broker)
      for (const { token } of line) expect((await withToken(token).get('/Users?count=0')).status).toBe(200)
      expect((await admin.delete(`/api/scim-tokens/${line[revoke].id}`)).status).toBe(204)
      for (const { token } of line) expect((await withToken(token).get('/Users?count=0')).status).toBe(401)
      expect((await withToken(other.token).get('/Users?count=0')).status).toBe(200)
    }
  })

  it('goes on when an admin who has seen it is disabled, and the trail and the list say so until it is rotated', async () => {
    const { admin } = broker
    const leaver = await admin.must(admin.post('/api/users', { name: 'leaving', roles: ['admin'] }))
    const { token } = await ownToken(broker.database, leaver.id, ['read', 'manage'])
    const made = await scimToken({ admin: broker.api(token) })
    await admin.must(admin.patch(`/api/users/${leaver.id}`, { state: 'disabled' }))
    expect((await withToken(made.token).get('/Users?count=0')).status).toBe(200)
    expect(await lastOf(made.id)).toMatchObject({ kind: 'scim_token.maker_left', userId: leaver.id })
    const newest = async () => (await admin.must(admin.get('/api/scim-tokens?limit=1'))).items[0]
    expect(await newest()).toMatchObject({ id: made.id, makerLeft: true })
    const next = await admin.must(admin.post(`/api/scim-tokens/${made.id}/rotate`, { expiresInSeconds: 3600, overlapSeconds: 0 }))
    expect(await newest()).toMatchObject({ id: next.id, makerLeft: false })
    expect((await withToken(made.token).get('/Users?count=0')).status).toBe(401)
  })

  describe('that a leaver has seen', () => {
    /** A SCIM token in the hands of an admin, and somebody and a group that it brought. */
    async function seen() {
      const { admin } = broker
      const name = `leaver-${newId('usr').slice(-6)}`
      const leaver = await admin.must(admin.post('/api/users', { name, roles: ['admin'] }))
      const { token } = await ownToken(broker.database, leaver.id, ['read', 'manage'])
      const made = await scimToken({ admin: broker.api(token) })
      const scim = withToken(made.token)
      const user = (await scim.post('/Users', { schemas: [USER], userName: `${name}@example.com`, externalId: name })).body
      const group = (await scim.post('/Groups', { schemas: [GROUP], displayName: `${name}s` })).body
      return { leaver, made, scim, user, group, name }
    }
    const active = (value: boolean) => ({ op: 'replace', path: 'active', value })
    const adding = (value: string) => ({ op: 'add', path: 'members', value: [{ value }] })
    const WAYS = [
      ['disabled', { state: 'disabled' }],
      ['an admin no more', { roles: ['member'] }],
    ] as const

    it.each(WAYS)('takes away and gives nothing while the admin is %s, and gives again when it is rotated', async (_, change) => {
      const { leaver, made, scim, user, group, name } = await seen()
      expect((await scim.patch(`/Groups/${group.id}`, adding(user.id))).status).toBeLessThan(300)
      await broker.admin.must(broker.admin.patch(`/api/users/${leaver.id}`, change))

      const gifts = [
        await scim.post('/Users', { schemas: [USER], userName: `${name}2@example.com`, externalId: `${name}2` }),
        await scim.post('/Groups', { schemas: [GROUP], displayName: `${name}2s`, members: [{ value: user.id }] }),
        await scim.patch(`/Groups/${group.id}`, { op: 'replace', path: 'displayName', value: 'another name' }),
        await scim.patch(`/Users/${user.id}`, { op: 'replace', path: 'externalId', value: 'somebody else' }),
      ]
      expect(gifts.map(({ status }) => status)).toEqual([403, 403, 403, 403])
      expect(gifts[0]!.body.detail).toMatch(/only take access away.*rotate/)
      expect((await lastOf(user.id)).kind).toBe('scim.refused')

      expect((await scim.patch(`/Users/${user.id}`, active(false))).body.active).toBe(false)
      expect((await scim.patch(`/Users/${user.id}`, active(true))).status).toBe(403)
      expect((await scim.get(`/Users/${user.id}`)).body.active).toBe(false)
      const empty = { op: 'remove', path: 'members' }
      expect((await scim.patch(`/Groups/${group.id}`, empty)).status).toBeLessThan(300)
      expect((await scim.patch(`/Groups/${group.id}`, adding(user.id))).status).toBe(403)

      const next = await broker.admin.must(
        broker.admin.post(`/api/scim-tokens/${made.id}/rotate`, { expiresInSeconds: 3600, overlapSeconds: 0 }),
      )
      expect((await withToken(next.token).patch(`/Users/${user.id}`, active(true))).body.active).toBe(true)
    })

    it('removes people, and brings nobody back under what they were known by', async () => {
      const { leaver, scim, user, name } = await seen()
      await broker.admin.must(broker.admin.patch(`/api/users/${leaver.id}`, { state: 'disabled' }))
      expect((await scim.delete(`/Users/${user.id}`)).status).toBe(204)
      const again = { schemas: [USER], userName: `${name}@example.com`, externalId: name }
      expect((await scim.post('/Users', again)).status).toBe(403)
    })
  })

  it('is made by admins alone', async () => {
    const user = await broker.admin.must(broker.admin.post('/api/users', { name: 'owner', roles: ['owner', 'auditor'] }))
    const { token } = await ownToken(broker.database, user.id, ['read', 'manage'])
    const api = broker.api(token)
    expect((await api.get('/api/scim-tokens')).status).toBe(403)
    expect((await api.post('/api/scim-tokens', { name: 'x', expiresInSeconds: 60 })).status).toBe(403)
  })
})
