import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCOPES } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'
import type { Jar } from '../support/jar.ts'
import { ownToken } from '../support/own-token.ts'

let world: SignInWorld
beforeAll(async () => {
  world = await startSignInWorld()
})
afterAll(() => world?.close())

const url = (path: string) => `${world.broker.url}${path}`
const query = (statement: string, values?: unknown[]) => world.broker.database.query(statement, values)

let count = 0
/** A new admin at the provider, signed in, and their token with every scope. */
async function newcomer(): Promise<{ account: string; jar: Jar; id: string; tokenId: string; api: Api }> {
  const account = `boss-${++count}`
  const known = { name: account, email: `${account}@example.test`, groups: ['bosses'] }
  world.idp.accounts.set(account, known)
  const jar = await world.signIn(account)
  const { id, groups } = (await jar.get(url('/api/me'))).body
  await world.broker.admin.must(world.broker.admin.put(`/api/role-groups/admin/${groups[0].id}`))
  const minted = await jar.post(url('/api/tokens'), { name: 'mine', scopes: SCOPES, expiresInSeconds: 366 * 86_400 })
  return { account, jar, id, tokenId: minted.body.id, api: world.broker.api(minted.body.token) }
}

/** As if they had signed in that long ago. */
const ago = (userId: string, interval: string) =>
  query(`update identities set confirmed_at = now() - $2::interval where user_id = $1`, [userId, interval])
const somebody = () => ({ name: `somebody ${++count}` })
const statusOf = async (api: Api) => (await api.get('/api/me')).status

describe('a token of somebody who signs in', () => {
  it('is good for 90 days at most when it is made signed in', async () => {
    const { tokenId } = await newcomer()
    expect(
      await query(
        `select expires_at - created_at <= interval '90 days' and expires_at - created_at > interval '89 days' as it
        from api_tokens where id = $1`,
        [tokenId],
      ),
    ).toEqual([{ it: true }])
  })

  it('manages only while the provider confirms its person, and is made only then', async () => {
    const { account, api, id } = await newcomer()
    await ago(id, '2 minutes')
    expect((await api.post('/api/users', somebody())).status).toBe(201)
    const before = await query('select count(*) from users')
    world.idp.accounts.delete(account)
    for (const [path, body] of [
      ['/api/users', somebody()],
      ['/api/scim-tokens', { name: 'x', expiresInSeconds: 60 }],
      ['/api/tokens', { name: 'x', scopes: ['read'], expiresInSeconds: 60 }],
    ] as const) {
      await ago(id, '2 minutes')
      expect((await api.post(path, body)).status, path).toBe(401)
    }
    expect(await query('select count(*) from users')).toEqual(before)
  })

  it('stops when the provider refuses them, and counts again when they sign in again', async () => {
    const { account, api, id } = await newcomer()
    const known = world.idp.accounts.get(account)!
    world.idp.accounts.delete(account)
    await ago(id, '2 minutes')
    expect(await statusOf(api)).toBe(200)
    expect((await api.post('/api/users', somebody())).status).toBe(401)
    expect(await statusOf(api)).toBe(401)
    const trail = await world.broker.database.query<{ body: string }>(
      `select body from audit_events where kind = 'identity.refused' and subject = $1`,
      [id],
    )
    expect(trail.map(({ body }) => JSON.parse(body))).toMatchObject([{ subject: account }])
    world.idp.accounts.set(account, known)
    await world.signIn(account)
    expect(await statusOf(api)).toBe(200)
  })

  it('counts for as long as was set after the provider’s last yes', async () => {
    const { account, api, id } = await newcomer()
    await ago(id, '71 hours')
    expect(await statusOf(api)).toBe(200)
    await ago(id, '73 hours')
    expect(await statusOf(api)).toBe(401)
    await world.signIn(account)
    expect(await statusOf(api)).toBe(200)
  })

  it('is never one that went through the hands of somebody else', async () => {
    const { id, api } = await newcomer()
    const { token } = await ownToken(world.broker.database, id, SCOPES)
    const { id: adminId } = await world.broker.admin.must(world.broker.admin.get('/api/me'))
    await query('update api_tokens set makers = makers || array[$2::text] where user_id = $1', [id, adminId])
    expect(await statusOf(world.broker.api(token))).toBe(401)
    expect(await statusOf(api)).toBe(401)
    for (const [path, body] of [
      [`/api/users/${id}/enrolment-code`, {}],
      ['/api/tokens', { userId: id, name: 'x', scopes: ['read'], expiresInSeconds: 60 }],
    ] as const) {
      expect(await world.broker.admin.post(path, body), path).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
  })

  it('is not made for a person SCIM brought who has not signed in yet', async () => {
    const [scims] = await world.broker.database.query<{ id: string }>(
      `insert into users (id, name, roles, source, user_name, scim) values ('usr_01m82dbh2ycne5c2mnkxq308j3', 'new', '{member}', 'scim', 'new', '{"active":true}')
       returning id`,
    )
    const wish = { userId: scims!.id, name: 'x', scopes: ['read'], expiresInSeconds: 60 }
    expect((await world.broker.admin.post('/api/tokens', wish)).status).toBe(409)
    expect((await world.broker.admin.post(`/api/users/${scims!.id}/enrolment-code`, {})).status).toBe(409)
  })
})
