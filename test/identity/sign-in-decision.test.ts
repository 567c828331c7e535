import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { SessionTokens } from '../../src/identity/sign-in/session-tokens.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'
import type { Jar, Page } from '../support/jar.ts'
import { ownToken } from '../support/own-token.ts'
import { furnished, inhabit, type PersonInWorld, type World } from '../support/world.ts'

const [binary] = await serversUnderTest()

describe('a decision by somebody who signed in', () => {
  let vault: VaultServer
  let signIns: SignInWorld
  let world: World
  let requester: PersonInWorld
  let flowId: string
  let bob: { jar: Jar; id: string }

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    signIns = await startSignInWorld()
    world = await inhabit(signIns.broker, vault, await furnished(vault))
    requester = world.alice
    bob = await approver('bob')
    const groups = (await bob.jar.get(`${signIns.broker.url}/api/me`)).body.groups
    const approvers = groups.find(({ name }: { name: string }) => name === 'approvers').id
    flowId = (await world.flow({ approval: { kind: 'approvers', users: [], groups: [approvers], needed: 1 } })).id
  })
  afterAll(async () => {
    await signIns?.close()
    await vault?.stop()
  })

  async function approver(account: string): Promise<{ jar: Jar; id: string }> {
    const jar = await signIns.signIn(account)
    return { jar, id: (await jar.get(`${signIns.broker.url}/api/me`)).body.id }
  }

  /** Another approver at the provider, signed in. */
  async function another(account: string) {
    signIns.idp.accounts.set(account, { name: account, email: `${account}@example.test`, groups: ['approvers'] })
    return approver(account)
  }

  const press = (jar: Jar, requestId: string): Promise<Page> =>
    jar.post(`${signIns.broker.url}/api/access-requests/${requestId}/approvals`, { decision: 'approve' })
  const stateOf = async (id: string) => (await requester.api.get(`/api/access-requests/${id}`)).body.state
  /** As if they had signed in two minutes ago. */
  const later = (userId: string) =>
    signIns.broker.database.query(`update identities set confirmed_at = now() - interval '2 minutes' where user_id = $1`, [
      userId,
    ])
  const refusals = async (userId: string) =>
    (
      await signIns.broker.database.query<{ body: string }>(
        `select body from audit_events where kind = 'sign_in.refused' and subject = $1 order by id`,
        [userId],
      )
    ).map(({ body }) => JSON.parse(body))

  it('counts, just signed in or confirmed again', async () => {
    const { id } = await world.request(requester, { flowId })
    const pressed = await press(bob.jar, id)
    expect(pressed).toMatchObject({ status: 200, body: { state: 'approved' } })
    // A name is its owner's to choose.
    const { approvals } = (await requester.api.get(`/api/access-requests/${id}`)).body
    expect(approvals[0].approver).toEqual({ id: bob.id, name: 'Bob Baker', userName: 'bob', email: 'bob@example.test' })
    const second = await world.request(requester, { flowId, name: 'kv/app/cache' })
    await later(bob.id)
    expect(await press(bob.jar, second.id)).toMatchObject({ status: 200, body: { state: 'approved' } })
    const [identity] = await signIns.broker.database.query(
      `select confirmed_at > now() - interval '1 minute' as fresh from identities where user_id = $1`,
      [bob.id],
    )
    expect(identity).toEqual({ fresh: true })
  })

  it('does not count with a token that somebody else made, however lately they were confirmed', async () => {
    const { database, api, admin } = signIns.broker
    const { jar, id: userId } = await another('framed')
    const { id: admins } = await admin.must(admin.get('/api/me'))
    const { token } = await ownToken(database, userId, ['read', 'approve'])
    const { id } = await world.request(requester, { flowId, name: 'kv/app/db/replica' })
    await database.query(`update api_tokens set makers = array[$1, user_id], created_by = $1 where user_id = $2`, [
      admins,
      userId,
    ])
    for (const since of ['just now', 'earlier']) {
      if (since === 'earlier') await later(userId)
      const { status, body } = await api(token).post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
      expect({ status, code: body.code }, since).toEqual({ status: 401, code: 'auth.required' })
    }
    expect(await stateOf(id)).toBe('pending')
    await database.query(`update api_tokens set makers = array[user_id] where user_id = $1`, [userId])
    const answer = await api(token).post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
    expect(answer.body.state, 'with one of their own, through their session').toBe('approved')
    expect((await jar.get(`${signIns.broker.url}/api/me`)).status).toBe(200)
  })

  it('does not count when they lost the group between opening the page and pressing', async () => {
    const { jar, id: userId } = await another('leaver')
    const { id } = await world.request(requester, { flowId })
    expect((await jar.get(`${signIns.broker.url}/api/access-requests/${id}`)).status).toBe(200)
    signIns.idp.accounts.set('leaver', { name: 'leaver', email: 'leaver@example.test', groups: [] })
    await later(userId)
    expect(await press(jar, id)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await stateOf(id)).toBe('pending')
    expect((await jar.get(`${signIns.broker.url}/api/me`)).body.groups).toEqual([])
  })

  it('does not count, and their session ends, when the provider does not know them any more', async () => {
    const { jar, id: userId } = await another('gone')
    const { id } = await world.request(requester, { flowId })
    signIns.idp.accounts.delete('gone')
    await later(userId)
    expect(await press(jar, id)).toMatchObject({ status: 401, body: { code: 'auth.required' } })
    expect(await stateOf(id)).toBe('pending')
    expect((await jar.get(`${signIns.broker.url}/api/me`)).status).toBe(401)
    expect(await refusals(userId)).toEqual([{ road: 'confirmation', reason: 'invalid_grant' }])
  })

  it('does not count when they are disabled here', async () => {
    const { jar, id: userId } = await another('disabled')
    const { id } = await world.request(requester, { flowId })
    await signIns.broker.admin.patch(`/api/users/${userId}`, { state: 'disabled' })
    expect((await press(jar, id)).status).toBe(401)
    expect(await stateOf(id)).toBe('pending')
  })

  it('is confirmed with the refresh token when the access token is used up', async () => {
    const { jar, id: userId } = await another('refresher')
    const { id } = await world.request(requester, { flowId })
    const sessionId = await useUp(userId)
    await later(userId)
    expect(await press(jar, id)).toMatchObject({ status: 200, body: { state: 'approved' } })
    expect((await signIns.broker.app.get(SessionTokens).read(sessionId))!.accessToken.reveal()).not.toBe('used-up')
  })

  it('is confirmed once for ten calls at once, and counts once', async () => {
    const { jar, id: userId } = await another('hasty')
    const { id } = await world.request(requester, { flowId })
    await useUp(userId)
    await later(userId)
    const answers = await Promise.all(Array.from({ length: 10 }, () => press(jar, id)))
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1)
    expect(answers.every(({ status }) => [200, 404, 409].includes(status))).toBe(true)
  })

  it('by their token is confirmed through their session, and without one is none', async () => {
    const { jar, id: userId } = await another('scripted')
    const minted = await jar.post(`${signIns.broker.url}/api/tokens`, {
      name: 's',
      scopes: ['approve', 'read'],
      expiresInSeconds: 600,
    })
    const api = signIns.broker.api(minted.body.token)
    const approve = (id: string) => api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
    const first = await world.request(requester, { flowId })
    await later(userId)
    expect((await approve(first.id)).status).toBe(200)
    const second = await world.request(requester, { flowId })
    await jar.post(`${signIns.broker.url}/auth/logout`)
    await later(userId)
    expect(await approve(second.id)).toMatchObject({ status: 401, body: { fix: expect.stringContaining('sign in') } })
    expect(await stateOf(second.id)).toBe('pending')
  })

  // Last: the provider does not come back.
  it('does not count while the provider cannot be asked', async () => {
    const { id } = await world.request(requester, { flowId })
    await later(bob.id)
    await signIns.idp.close()
    expect(await press(bob.jar, id)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(await stateOf(id)).toBe('pending')
    expect((await bob.jar.get(`${signIns.broker.url}/api/me`)).status, 'they are still who they are').toBe(200)
  })

  /** The access token kept for their session is one the provider does not take any more; the refresh token is. */
  async function useUp(userId: string): Promise<string> {
    const [session] = await signIns.broker.database.query<{ id: string }>('select id from http_sessions where user_id = $1', [
      userId,
    ])
    const kept = signIns.broker.app.get(SessionTokens)
    const before = await kept.read(session!.id)
    await kept.replace(session!.id, before!, { access_token: 'used-up' }, signIns.idp.issuer)
    return session!.id
  }
})
