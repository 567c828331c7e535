import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { ScimApi, scimToken, USER } from '../support/scim.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker?.close())

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

  it('is made by admins alone', async () => {
    const user = await broker.admin.must(broker.admin.post('/api/users', { name: 'owner', roles: ['owner', 'auditor'] }))
    const { token } = await ownToken(broker.database, user.id, ['read', 'manage'])
    const api = broker.api(token)
    expect((await api.get('/api/scim-tokens')).status).toBe(403)
    expect((await api.post('/api/scim-tokens', { name: 'x', expiresInSeconds: 60 })).status).toBe(403)
  })
})
