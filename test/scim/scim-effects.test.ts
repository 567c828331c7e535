import { SchedulerRegistry } from '@nestjs/schedule'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { ownToken } from '../support/own-token.ts'
import { ENTERPRISE, type ScimApi, scimOf } from '../support/scim.ts'
import { type PersonInWorld, startWorld, traces, tries, type World } from '../support/world.ts'

const [binary] = await serversUnderTest()

describe('what SCIM says of somebody', () => {
  let vault: VaultServer
  let world: World
  let scim: ScimApi

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
    scim = await scimOf(world.broker)
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  async function person(name: string, rest: object = {}): Promise<PersonInWorld> {
    const { api, database } = world.broker
    const id = await scim.person(name, { displayName: name, ...rest })
    const scopes = ['read', 'request', 'approve']
    const { token } = await ownToken(database, id, scopes)
    return { id, name, token, api: api(token) }
  }

  const stateOf = async (requestId: string) =>
    (await world.broker.admin.must(world.broker.admin.get(`/api/access-requests/${requestId}`))).state
  const grantOf = (id: string) => world.broker.admin.must(world.broker.admin.get(`/api/grants/${id}`))
  const active = (value: boolean) => ({ op: 'replace', path: 'active', value })
  const setState = (who: PersonInWorld, state: string) => world.broker.admin.patch(`/api/users/${who.id}`, { state })
  const trailOf = (subject: string) =>
    world.broker.database.query<{ kind: string; actor: string; body: string }>(
      'select kind, actor, body from audit_events where subject = $1 order by id',
      [subject],
    )

  it.each(['deactivated', 'deleted'])(
    'ends everything at once when they are %s: session, token, request, grant',
    async (how) => {
      const { admin, database } = world.broker
      const ada = await person(`ada ${how}`)
      const grantId = await world.grant(ada, {})
      const { token } = await world.open(ada, grantId)
      expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
      const byBob = await world.flow({ approval: { kind: 'approvers', users: [world.bob.id, ada.id], groups: [], needed: 1 } })
      const pending = await world.request(ada, { flowId: byBob.id })
      const theirs = await world.request(world.alice, { flowId: byBob.id })
      await database.query(
        `insert into http_sessions (sid, sess, expire, id, user_id, issuer, subject)
       values ($1, '{}', now() + interval '1 hour', $2, $3, 'https://idp', 'ada')`,
        [`sid ${how}`, `ses_0${'0'.repeat(24)}${how.length % 10}`, ada.id],
      )

      const off = { op: 'Replace', path: 'active', value: 'False' }
      const { status } = how === 'deleted' ? await scim.delete(`/Users/${ada.id}`) : await scim.patch(`/Users/${ada.id}`, off)
      expect(status).toBeLessThan(300)

      expect((await ada.api.get('/api/me')).status).toBe(401)
      expect((await ada.api.post(`/api/access-requests/${theirs.id}/approvals`, { decision: 'approve' })).status).toBe(401)
      expect(await database.query('select 1 from http_sessions where user_id = $1', [ada.id])).toEqual([])
      const late = await world.bob.api.post(`/api/access-requests/${pending.id}/approvals`, { decision: 'approve' })
      expect(late.status).toBeGreaterThanOrEqual(400)
      await waitFor('the pending request to be cancelled', async () => (await stateOf(pending.id)) === 'cancelled', 60_000)
      const [cancelled] = (await trailOf(pending.id)).slice(-1)
      expect(cancelled).toMatchObject({ kind: 'request.cancelled', actor: 'broker' })
      expect(JSON.parse(cancelled!.body)).toEqual({ reason: 'requester_disabled', requesterId: ada.id, stage: 0 })

      await waitFor('the token to be refused', async () => (await tries(vault, token, 'GET', 'kv/data/app/db')) === 403, 60_000)
      await waitFor(
        'the grant to be over',
        async () => (await admin.must(admin.get(`/api/grants/${grantId}`))).state === 'revoked',
        60_000,
      )
      expect(await traces(vault)).toEqual([])
      const receipt = await admin.must(admin.get(`/api/grants/${grantId}/receipt`))
      expect(receipt.evidence.length).toBeGreaterThan(0)
      expect(receipt.evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
      expect((await admin.must(admin.get(`/api/grants/${grantId}`))).endReason).toBe('grantee_disabled')
    },
    120_000,
  )

  it('ends it by the commit that says so: nobody has to come by and look, and being active again does not save it', async () => {
    const timers = world.broker.app.get(SchedulerRegistry)
    for (const name of timers.getIntervals()) timers.deleteInterval(name)
    const [ada, ben] = [await person('ada by work'), await world.person('ben')]
    const byBob = await world.flow({ approval: { kind: 'approvers', users: [world.bob.id], groups: [], needed: 1 } })
    for (const [who, off, on] of [
      [ada, () => scim.patch(`/Users/${ada.id}`, active(false)), () => scim.patch(`/Users/${ada.id}`, active(true))],
      [ben, () => setState(ben, 'disabled'), () => setState(ben, 'active')],
    ] as const) {
      const grantId = await world.grant(who, {})
      const pending = await world.request(who, { flowId: byBob.id })
      expect((await off()).status).toBe(200)
      expect((await on()).status).toBe(200)
      await waitFor(`the grant of ${who.name} to be over`, async () => (await grantOf(grantId)).state === 'revoked', 60_000)
      expect((await grantOf(grantId)).endReason).toBe('grantee_disabled')
      await waitFor('the pending request to be cancelled', async () => (await stateOf(pending.id)) === 'cancelled', 60_000)
    }
  }, 120_000)

  it('ends the hundreds of grants of somebody who leaves some hundreds at a time', async () => {
    const ada = await person('ada of hundreds')
    const first = await world.grant(ada, {})
    const { database } = world.broker
    await database.query(
      `with one as (select q.*, g.integration_id as at, r.action as doing, r.input, r.id as run from grants g
         join access_requests q on q.id = g.request_id join action_runs r on r.id = g.run_id where g.id = $1),
       n as (select lpad(i::text, 26, '0') as tail from generate_series(1, 450) i),
       asked as (insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, delivery, expires_at)
         select 'req_' || n.tail, flow_id, flow_version, integration_id, requester_id, 'approved', 600, 'token', now() from one, n returning id),
       run as (insert into action_runs (id, integration_id, action, input, state)
         select 'run_' || n.tail, one.at, one.doing, one.input, 'executed' from one, n returning id)
       insert into grants (id, request_id, integration_id, grantee_id, run_id, state, delivery, seconds, expires_at)
       select 'grt_' || n.tail, 'req_' || n.tail, one.at, $2, 'run_' || n.tail, 'active', 'token', 600, now() + interval '1 hour'
       from one, n, (select count(*) from asked) a, (select count(*) from run) r`,
      [first, ada.id],
    )
    expect((await scim.patch(`/Users/${ada.id}`, active(false))).status).toBe(200)
    const left = () => database.query(`select from grants where grantee_id = $1 and state = 'active'`, [ada.id])
    await waitFor('all of them to have begun to end', async () => (await left()).length === 0, 60_000)
    const commits = await database.query<{ count: number }>(
      `select count(*)::int from audit_events e join grants g on g.id = e.subject
       where g.grantee_id = $1 and e.kind = 'grant.revoking' group by e.xmin::text`,
      [ada.id],
    )
    expect(commits.reduce((sum, { count }) => sum + count, 0)).toBe(451)
    expect(Math.max(...commits.map(({ count }) => count))).toBeLessThanOrEqual(200)
  }, 120_000)

  it('counts at the next decision: who left the approvers’ group cannot decide, and what they decided no longer counts', async () => {
    const [one, two, three] = [await person('one'), await person('two'), await person('three')]
    const group = await scim.group('approvers', [one.id, two.id, three.id])
    const flow = await world.flow({ approval: { kind: 'approvers', users: [], groups: [group], needed: 2 } })
    const decide = async (who: PersonInWorld, requestId: string) =>
      (await who.api.post(`/api/access-requests/${requestId}/approvals`, { decision: 'approve' })).status
    const { id } = await world.request(world.alice, { flowId: flow.id })
    expect(await decide(one, id)).toBe(200)

    await scim.patch(`/Groups/${group}`, { op: 'remove', path: `members[value eq "${one.id}"]` })
    expect(await decide(two, id)).toBe(200)
    expect(await stateOf(id)).toBe('pending') // two have said yes, one of them counts
    await scim.patch(`/Groups/${group}`, { op: 'Remove', path: 'members', value: [{ value: three.id }] })
    expect(await decide(three, id)).toBe(404)
    await scim.patch(`/Groups/${group}`, { op: 'Add', path: 'members', value: [{ value: three.id }] })
    expect(await decide(three, id)).toBe(200)
    expect(await stateOf(id)).toBe('approved')
    const [removed] = (await trailOf(group)).filter(({ kind }) => kind === 'group.member_removed')
    expect(removed).toMatchObject({ actor: expect.stringMatching(/^scim:sct_/), body: JSON.stringify({ userId: one.id }) })
  })

  it.each([
    ['deleted', (group: string) => scim.delete(`/Groups/${group}`)],
    ['emptied', (group: string) => scim.patch(`/Groups/${group}`, { op: 'remove', path: 'members' })],
    ['left by everybody in it', (_group: string, who: string) => scim.patch(`/Users/${who}`, active(false))],
  ])('says at once that nobody can decide on what waits for an approvers’ group that was %s', async (how, leave) => {
    const only = await person(`the only one of a group ${how}`)
    const group = await scim.group(`approvers ${how}`, [only.id])
    const flow = await world.flow({ approval: { kind: 'approvers', users: [], groups: [group], needed: 1 } })
    const { id } = await world.request(world.alice, { flowId: flow.id })
    const view = async () => (await world.alice.api.must(world.alice.api.get(`/api/access-requests/${id}`))).undecidable
    const kinds = async () => (await trailOf(id)).map(({ kind }) => kind)
    expect(await view()).toBe(false)
    expect((await leave(group, only.id)).status).toBeLessThan(300)
    expect(await view()).toBe(true)
    await waitFor('it to be noticed', async () => (await kinds()).includes('request.undecidable'))
    const listed = (await world.alice.api.must(world.alice.api.get('/api/access-requests?state=pending'))).items
    expect(listed.find((one: { id: string }) => one.id === id).undecidable).toBe(true)
    if (how !== 'emptied') return
    const other = await person('who comes instead')
    await scim.patch(`/Groups/${group}`, { op: 'add', path: 'members', value: [{ value: other.id }] })
    await waitFor('it to be noticed again', async () => (await kinds()).includes('request.decidable'))
    expect(await view()).toBe(false)
    expect((await other.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })).status).toBe(200)
    expect((await kinds()).filter((kind) => kind.endsWith('decidable'))).toEqual(['request.undecidable', 'request.decidable'])
  })

  it('decides who the manager is, and what a flow’s conditions see', async () => {
    const boss = await person('boss')
    const ada = await person('ada', { [ENTERPRISE]: { department: 'Research', manager: { value: boss.id } } })
    const rule = {
      requesters: { kind: 'everyone' },
      conditions: { attribute: 'department', is: 'equal_to', value: 'research' },
      approval: { kind: 'stages', stages: [{ approvers: [{ kind: 'manager' }], needed: 1 }] },
    }
    const flow = await world.flow(rule)
    const { id } = await world.request(ada, { flowId: flow.id })
    const decide = () => boss.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
    await scim.patch(`/Users/${ada.id}`, { op: 'remove', path: `${ENTERPRISE}:manager` })
    expect((await decide()).status).toBe(404)
    await scim.patch(`/Users/${ada.id}`, { op: 'add', path: `${ENTERPRISE}:manager`, value: { value: boss.id } })
    expect((await decide()).status).toBe(200)
    await scim.patch(`/Users/${ada.id}`, { op: 'replace', path: `${ENTERPRISE}:department`, value: 'Sales' })
    const again = await ada.api.post('/api/access-requests', {
      flowId: flow.id,
      resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      seconds: 600,
      justification: 'because',
    })
    expect(again.status).toBe(422)
  })
})
