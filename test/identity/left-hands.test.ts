import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { SCOPES } from '../../src/contract/identity.ts'
import { firstAdmin } from '../../src/identity/people/first-admin.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import type { Api } from '../support/api.ts'
import { within } from '../support/database.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'
import type { Jar } from '../support/jar.ts'
import { tokenThrough } from '../support/own-token.ts'
import { puppetToken } from '../support/puppet.ts'

let world: SignInWorld
beforeAll(async () => {
  world = await startSignInWorld()
})
afterAll(() => world?.close())

const query = <Row extends object = object>(statement: string, values?: unknown[]) =>
  world.broker.database.query<Row & Record<string, unknown>>(statement, values)
const url = (path: string) => `${world.broker.url}${path}`
const year = 366 * 86_400
let count = 0

interface Leaver {
  readonly id: string
  readonly account: string
  readonly jar: Jar
}

/** An admin by a group of the provider, signed in in a browser. */
async function signedInAdmin(): Promise<Leaver> {
  const account = `eve-${++count}`
  world.idp.accounts.set(account, { name: account, email: `${account}@example.test`, groups: ['leaders'] })
  const jar = await world.signIn(account)
  const { id, groups } = (await jar.get(url('/api/me'))).body
  await world.broker.admin.must(world.broker.admin.put(`/api/role-groups/admin/${groups[0].id}`))
  return { id, account, jar }
}

/** Somebody of hers, with a token that she redeemed for her own code. */
async function shellOf({ jar }: Leaver, roles = ['admin', 'member']) {
  const shell = (await jar.post(url('/api/users'), { name: `shell ${++count}`, roles })).body
  const made = await jar.post(url(`/api/users/${shell.id}/enrolment-code`), {})
  expect(made.status, made.text).toBe(201)
  const token = await enrolled(made.body.code, { expiresInSeconds: year })
  return { id: shell.id as string, tokenId: token.id as string, api: world.broker.api(token.token), token }
}

const enrolled = (code: string, more: object = {}) => {
  const anybody = world.broker.api()
  return anybody.must(anybody.post('/api/enrolments', { code, ...more }))
}
const disable = (id: string) => world.broker.admin.must(world.broker.admin.patch(`/api/users/${id}`, { state: 'disabled' }))
const statusOf = async (api: Api) => (await api.get('/api/me')).status
const endOf = async (id: string) => {
  const [last] = await query<{ kind: string; body: string }>(
    'select kind, body from audit_events where subject = $1 order by id desc limit 1',
    [id],
  )
  return { kind: last!.kind, ...JSON.parse(last!.body) }
}
const somebody = (roles = ['admin', 'member']) =>
  world.broker.admin.must(world.broker.admin.post('/api/users', { name: `somebody ${++count}`, roles }))

describe('a token of an enrolment code', () => {
  it('ends with the admin who made the code, and everything that was made with it', async () => {
    const eve = await signedInAdmin()
    const shell = await shellOf(eve)
    const own = world.broker.api(await puppetToken(shell.api))
    const second = await somebody()
    const further = world.broker.api(await puppetToken(own, second))
    for (const api of [shell.api, own, further]) expect(await statusOf(api)).toBe(200)
    const answer = await disable(eve.id)
    expect(new Set(answer.alsoLeftWithoutTokens.map(({ id }: { id: string }) => id))).toEqual(new Set([shell.id, second.id]))
    for (const api of [shell.api, own, further]) expect(await statusOf(api)).toBe(401)
    expect((await shell.api.post('/api/users', { name: 'another shell' })).status).toBe(401)
    expect(await endOf(shell.tokenId)).toMatchObject({
      kind: 'token.revoked',
      userId: shell.id,
      inHandsOf: eve.id,
      reason: 'a person who made it, or who may have a copy, was disabled',
    })
    await world.broker.admin.must(world.broker.admin.patch(`/api/users/${eve.id}`, { state: 'active' }))
    expect(await statusOf(shell.api), 'lost for good').toBe(401)
  })

  it('stops when the provider refuses that admin, and counts again with its next yes, as the admin’s own do', async () => {
    const eve = await signedInAdmin()
    const shell = await shellOf(eve)
    const known = world.idp.accounts.get(eve.account)!
    world.idp.accounts.delete(eve.account)
    await query(`update identities set confirmed_at = now() - interval '2 minutes' where user_id = $1`, [eve.id])
    expect((await eve.jar.post(url('/api/groups'), { name: `group ${++count}` })).status).toBe(401)
    expect(await statusOf(shell.api)).toBe(401)
    world.idp.accounts.set(eve.account, known)
    await world.signIn(eve.account)
    expect(await statusOf(shell.api)).toBe(200)
    await query(`update identities set confirmed_at = now() - interval '73 hours' where user_id = $1`, [eve.id])
    expect(await statusOf(shell.api)).toBe(401)
  })

  it('gives no system role that its maker has lost', async () => {
    const [lost, shell] = [await somebody(), await somebody(['admin', 'auditor', 'member'])]
    const code = await world.broker.admin.must(world.broker.admin.post(`/api/users/${lost.id}/enrolment-code`, {}))
    const maker = world.broker.api((await enrolled(code.code)).token)
    const theirs = world.broker.api(await puppetToken(maker, shell))
    expect((await theirs.get('/api/me')).body.roles).toEqual(['admin', 'auditor', 'member'])
    await world.broker.admin.must(world.broker.admin.patch(`/api/users/${lost.id}`, { roles: ['auditor', 'member'] }))
    expect((await theirs.get('/api/me')).body.roles).toEqual(['auditor', 'member'])
    expect((await theirs.post('/api/users', { name: `more ${++count}` })).status).toBe(403)
  })

  it('ends with the token the code was made with, and gives no more than that did', async () => {
    const { admin } = world.broker
    const lent = await admin.must(admin.post('/api/tokens', { name: 'lent', scopes: ['manage', 'read'], expiresInSeconds: 3600 }))
    const maker = world.broker.api(lent.token)
    const shell = await maker.must(maker.post('/api/users', { name: `shell ${++count}`, roles: ['admin'] }))
    const made = await maker.must(maker.post(`/api/users/${shell.id}/enrolment-code`, {}))
    expect(made.tokenEndsBy).toBe(lent.expiresAt)
    const token = await enrolled(made.code, { expiresInSeconds: year })
    expect(token).toMatchObject({ parentId: lent.id, scopes: ['read', 'manage'], expiresAt: lent.expiresAt, delegated: false })
    const api = world.broker.api(token.token)
    expect(await statusOf(api)).toBe(200)
    expect((await admin.delete(`/api/tokens/${lent.id}`)).status).toBe(204)
    expect(await statusOf(api)).toBe(401)
    expect(await endOf(token.id)).toMatchObject({ kind: 'token.revoked', userId: shell.id })
  })

  it('lasts 90 days at most when the code was made signed in', async () => {
    const eve = await signedInAdmin()
    const { token, tokenId } = await shellOf(eve)
    expect(token).toMatchObject({ parentId: null, scopes: SCOPES })
    expect(
      await query(`select expires_at - created_at <= interval '90 days' as it from api_tokens where id = $1`, [tokenId]),
    ).toEqual([{ it: true }])
  })
})

describe('an enrolment code', () => {
  it('is worth nothing when a person who may have it is disabled or refused, or its token is over', async () => {
    const eve = await signedInAdmin()
    const shell = await shellOf(eve)
    const codeFor = async (api: Api) => {
      const { id } = await somebody()
      return (await api.must(api.post(`/api/users/${id}/enrolment-code`, {}))) as { id: string; code: string }
    }
    const refused = await codeFor(shell.api)
    const { admin } = world.broker
    const lent = await admin.must(admin.post('/api/tokens', { name: 'lent', scopes: ['manage', 'read'], expiresInSeconds: 3600 }))
    const late = await codeFor(world.broker.api(lent.token))
    const gone = await codeFor(shell.api)
    const attempt = async ({ code }: { code: string }) => (await world.broker.api().post('/api/enrolments', { code })).status
    await query(`update identities set refused_at = now() where user_id = $1`, [eve.id])
    expect(await attempt(refused)).toBe(403)
    await query(`update api_tokens set created_at = now() - interval '1 hour', expires_at = now() where id = $1`, [lent.id])
    expect(await attempt(late)).toBe(403)
    await query(`update identities set refused_at = null where user_id = $1`, [eve.id])
    await disable(eve.id)
    expect(await attempt(gone)).toBe(403)
    expect(await endOf(gone.id)).toMatchObject({ kind: 'enrolment.withdrawn' })
  })
})

describe('nobody', () => {
  it('lets themselves in again, or gives themselves roles and groups, with a token they may have in hand', async () => {
    const { admin } = world.broker
    const [maker, puppet] = [await somebody(), await somebody()]
    const makers = world.broker.api(await puppetToken(admin, maker))
    // Made by one who is not disabled, with a token in the hands of one who is: that it does not work any more is told above.
    const hand = world.broker.api((await tokenThrough(world.broker.database, puppet.id, SCOPES, [puppet.id, maker.id])).token)
    const group = await admin.must(admin.post('/api/groups', { name: `group ${++count}` }))
    const theirs = await admin.must(admin.post('/api/groups', { name: `group ${++count}` }))
    await admin.must(admin.put(`/api/groups/${theirs.id}/members/${maker.id}`))
    const refused = { status: 403, body: { code: 'auth.forbidden', fix: expect.stringContaining('another admin') } }
    for (const api of [makers, hand]) {
      expect(await api.patch(`/api/users/${maker.id}`, { roles: ['admin', 'auditor', 'member'] })).toMatchObject(refused)
      expect(await api.put(`/api/groups/${group.id}/members/${maker.id}`)).toMatchObject(refused)
      expect(await api.put(`/api/role-groups/approver/${theirs.id}`)).toMatchObject(refused)
    }
    expect(await hand.post(`/api/users/${maker.id}/enrolment-code`, {})).toMatchObject(refused)
    expect((await makers.patch(`/api/users/${maker.id}`, { roles: ['admin'] })).status, 'giving up a role').toBe(200)
    await disable(maker.id)
    await query('update api_tokens set revoked_at = null where user_id = $1', [puppet.id])
    expect((await hand.patch(`/api/users/${maker.id}`, { state: 'active' })).status).toBe(401)
    expect((await admin.patch(`/api/users/${maker.id}`, { state: 'active' })).status).toBe(200)
  })
})

describe('what an admin makes while they are being disabled', () => {
  it.each([
    ['a SCIM token', '/api/scim-tokens', { name: 'connector', expiresInSeconds: 3600 }],
    ['a token', '/api/tokens', { name: 'mine', scopes: ['read'], expiresInSeconds: 3600 }],
    ['an enrolment code', '', {}],
  ])('does not come to be: %s', async (_, path, body) => {
    const eve = await signedInAdmin()
    const other = await somebody(['member'])
    const made = await within(world.broker.database.url, async (client) => {
      await client.query('begin')
      await client.query(`update users set state = 'disabled' where id = $1`, [eve.id])
      const making = eve.jar.post(url(path || `/api/users/${other.id}/enrolment-code`), body)
      await waitFor('it to wait for the disabling', async () => {
        const waiting = await query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return waiting.length > 0
      })
      await client.query('commit')
      return making
    })
    expect(made.status).toBe(401)
  })
})

describe('the last admin', () => {
  it('is not locked out with the one who enrolled everybody else: the machine lets another one in first', async () => {
    const { admin } = world.broker
    const me = await admin.must(admin.get('/api/me'))
    await query(`update users set roles = '{member}' where roles && '{admin}' and id <> $1`, [me.id])
    await query('delete from role_groups')
    const helper = world.broker.api(await puppetToken(admin, await somebody()))
    const answer = await helper.patch(`/api/users/${me.id}`, { state: 'disabled' })
    expect(answer).toMatchObject({ status: 409, body: { fix: expect.stringContaining('latchkey bootstrap') } })
    // A token that went through their hands gives the role no more than they have it.
    expect(await helper.patch(`/api/users/${me.id}`, { roles: ['member'] })).toMatchObject({ status: 409 })
    expect(await statusOf(admin)).toBe(200)
    const token = await world.broker.app.get(Database).transaction((tx) => firstAdmin(tx, { name: 'another', force: true }))
    const another = world.broker.api(token.reveal())
    expect((await another.patch(`/api/users/${me.id}`, { state: 'disabled' })).status).toBe(200)
    expect([await statusOf(helper), await statusOf(another)]).toEqual([401, 200])
  })
})
