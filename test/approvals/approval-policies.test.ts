import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { ownToken } from '../support/own-token.ts'
import { scimOf } from '../support/scim.ts'
import { type PersonInWorld, type World } from '../support/world.ts'
import { panelHere, people } from './panel.ts'

describe.each(await serversUnderTest())('an approval policy, on $product $version', (binary) => {
  let world: World
  let alice: PersonInWorld
  let bob: PersonInWorld
  let carol: PersonInWorld
  let dave: PersonInWorld
  const { admin, staged } = panelHere(binary, async (panel) => {
    ;({ world, alice, bob, carol } = panel)
    dave = await world.person('dave')
  })

  const approve = (who: PersonInWorld, id: string) =>
    who.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
  const stateOf = async (id: string) => (await alice.api.get(`/api/access-requests/${id}`)).body
  const owned = (body: object) => admin().put(`/api/integrations/${world.integrationId}/ownership`, body)
  const dueNow = (kind: string, id: string) =>
    world.broker.database.query('update due_work set run_at = now() where kind = $1 and subject = $2', [kind, id])

  it('asks one stage after another, and each person again in each where the flow says so', async () => {
    const stages = [{ approvers: [people(bob)] }, { approvers: [people(bob, carol)], needed: 'all' }]
    const flow = await world.flow({ approval: { kind: 'stages', stages, mayRepeat: true } })
    const { id } = await world.request(alice, { flowId: flow.id })
    expect((await approve(carol, id)).status, 'not her turn yet').toBe(404)
    expect((await approve(bob, id)).body).toMatchObject({ state: 'pending', stage: 1 })
    expect((await approve(carol, id)).body).toMatchObject({ state: 'pending', stage: 1 })
    expect((await approve(bob, id)).body).toMatchObject({ state: 'approved' })
    expect((await stateOf(id)).approvals.map((each: { stage: number }) => each.stage)).toEqual([0, 1, 1])
  })

  it('counts somebody once per request unless the flow says otherwise', async () => {
    const flow = await staged([{ approvers: [people(bob, carol)] }, { approvers: [people(bob, dave)] }])
    const { id } = await world.request(alice, { flowId: flow.id })
    expect((await approve(bob, id)).body).toMatchObject({ state: 'pending', stage: 1, approvers: [{ id: dave.id }] })
    expect(await approve(bob, id)).toMatchObject({ status: 403, body: { code: 'access.same_person' } })
    const waiting = async (who: PersonInWorld) =>
      (await who.api.must(who.api.get('/api/access-requests?role=approver&limit=200'))).items.map((one: { id: string }) => one.id)
    expect(await waiting(bob)).not.toContain(id)
    expect(await waiting(dave)).toContain(id)
    expect((await approve(dave, id)).body).toMatchObject({ state: 'approved' })
  })

  it('may be rejected in a later stage by somebody who approved in an earlier one', async () => {
    const flow = await staged([{ approvers: [people(bob)] }, { approvers: [people(bob, dave)] }])
    const { id } = await world.request(alice, { flowId: flow.id })
    await approve(bob, id)
    const rejection = { decision: 'reject', reason: 'on second thoughts' }
    expect((await bob.api.post(`/api/access-requests/${id}/approvals`, rejection)).body).toMatchObject({ state: 'rejected' })
  })

  it('refuses a request when the people of its stages are too few to count once each', async () => {
    for (const [stages, blocked] of [
      [[{ approvers: [people(bob)] }, { approvers: [people(bob)] }], 2],
      [[{ approvers: [people(bob, carol)], needed: 2 }, { approvers: [people(carol, dave)] }, { approvers: [people(dave)] }], 3],
      [[{ approvers: [people(bob, carol)] }, { approvers: [people(bob)] }, { approvers: [people(carol, dave)] }], undefined],
    ] as const) {
      const ask = {
        flowId: (await staged([...stages])).id,
        resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      }
      const { status, body } = await alice.api.post('/api/access-requests', { ...ask, seconds: 60 })
      expect({ status, code: body.code }).toEqual(
        blocked === undefined ? { status: 201, code: undefined } : { status: 422, code: 'access.no_approver' },
      )
      if (blocked !== undefined) expect(body.message ?? body.detail).toContain(`in stage ${blocked}`)
    }
  })

  it('goes back to a stage whose approver may not decide there any more', async () => {
    const group = await admin().must(admin().post('/api/groups', { name: `first ${randomBytes(3).toString('hex')}` }))
    for (const who of [bob, dave]) await admin().must(admin().put(`/api/groups/${group.id}/members/${who.id}`))
    const first = { kind: 'people', users: [], groups: [group.id] }
    const flow = await staged([{ approvers: [first] }, { approvers: [people(carol)] }])
    const { id } = await world.request(alice, { flowId: flow.id })
    expect((await approve(bob, id)).body).toMatchObject({ state: 'pending', stage: 1 })
    await admin().must(admin().delete(`/api/groups/${group.id}/members/${bob.id}`))
    expect((await approve(carol, id)).body).toMatchObject({ state: 'pending', stage: 0 })
    expect((await approve(bob, id)).status).toBe(404)
    expect((await approve(dave, id)).body, 'carol has agreed already').toMatchObject({ state: 'approved' })
  })

  it('asks the requester’s manager, as of the moment of the decision', async () => {
    const flow = await staged([{ approvers: [{ kind: 'manager' }] }])
    const without = await alice.api.post('/api/access-requests', {
      flowId: flow.id,
      resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      seconds: 60,
    })
    expect(without.body.code).toBe('access.no_approver')
    await world.broker.database.query('update users set manager_id = $1 where id = $2', [bob.id, alice.id])
    const { id } = await world.request(alice, { flowId: flow.id })
    await world.broker.database.query('update users set manager_id = $1 where id = $2', [carol.id, alice.id])
    expect((await approve(bob, id)).status).toBe(404)
    expect((await approve(carol, id)).body.state).toBe('approved')
    await world.broker.database.query('update users set manager_id = $1 where id = $1', [alice.id])
    const own = await alice.api.post('/api/access-requests', {
      flowId: flow.id,
      resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      seconds: 60,
    })
    expect(own.body.code, 'one’s own manager is nobody').toBe('access.no_approver')
  })

  /** Somebody tags a secret in the target, and it is discovered. */
  async function tagged(path: string, owner: string): Promise<void> {
    await world.vault.api('POST', `kv/metadata/${path}`, { custom_metadata: { owner } })
    const { id } = await admin().must(admin().post(`/api/integrations/${world.integrationId}/sync`))
    await waitFor('the tag to be read', async () => {
      const run = await admin().must(admin().get(`/api/integrations/${world.integrationId}/sync`))
      return run.id === id && run.state === 'completed'
    })
    const found = await admin().must(admin().get(`/api/resources?q=${encodeURIComponent(path)}`))
    expect(found.items.find(({ name }: { name: string }) => name === `kv/${path}`).tags).toEqual({ owner })
  }

  it('asks the owner that a resource’s tag names, and the integration’s owner where it names nobody', async () => {
    expect((await owned({ owners: null, resourceOwner: { tagKey: 'owner', attribute: 'email' } })).body).toMatchObject({
      status: 400,
      field: 'owners',
    })
    const refused = await admin().post('/api/access-flows', {
      name: `early ${randomBytes(3).toString('hex')}`,
      integrationId: world.integrationId,
      rule: {
        requesters: { kind: 'everyone' },
        resources: [{ paths: ['**'] }],
        permissions: { 'vault-kv-secret': ['read'] },
        maxSeconds: 60,
        approval: { kind: 'stages', stages: [{ approvers: [{ kind: 'resource_owner' }] }] },
      },
    })
    expect(refused.body).toMatchObject({ status: 400, field: 'rule.approval.stages.0.approvers.0' })

    await admin().must(admin().patch(`/api/users/${carol.id}`, { email: 'carol@example.com' }))
    await admin().must(owned({ owners: { users: [bob.id], groups: [] }, resourceOwner: { tagKey: 'owner', attribute: 'email' } }))
    await tagged('app/db', 'nobody@example.com')
    await tagged('app/cache', 'Carol@Example.com')
    const flow = await staged([{ approvers: [{ kind: 'resource_owner' }] }])

    const hers = await world.request(alice, { flowId: flow.id, name: 'kv/app/cache' })
    expect((await approve(bob, hers.id)).status).toBe(404)
    expect((await approve(carol, hers.id)).body.state).toBe('approved')
    const untagged = await world.request(alice, { flowId: flow.id, name: 'kv/app/db' })
    expect((await approve(carol, untagged.id)).status).toBe(404)
    expect((await approve(bob, untagged.id)).body.state).toBe('approved')

    const both = await alice.api.must(
      alice.api.post('/api/access-requests', {
        flowId: flow.id,
        resources: [
          { resourceId: await world.resource('kv/app/cache'), permissions: ['read'] },
          { resourceId: await world.resource('kv/app/db'), permissions: ['read'] },
        ],
        seconds: 60,
      }),
    )
    expect((await approve(carol, both.id)).body.state, 'each owner for their own').toBe('pending')
    expect((await approve(bob, both.id)).body.state).toBe('approved')
    expect((await owned({ owners: null, resourceOwner: null })).status, 'a flow asks them').toBe(409)
  })

  it('asks the people that a tag names, by group, user name or externalId, and for a key, which has no tags, the owner', async () => {
    const scim = await scimOf(world.broker)
    const id = await scim.person('erin@corp.test', { externalId: 'e-4711' })
    const { token } = await ownToken(world.broker.database, id, ['read', 'approve'])
    const erin = { ...dave, id, token, api: world.broker.api(token) }
    const group = await admin().must(admin().post('/api/groups', { name: 'keepers of the cache' }))
    await admin().must(admin().put(`/api/groups/${group.id}/members/${dave.id}`))
    for (const [attribute, value, owner] of [
      ['group', 'keepers of the cache', dave],
      ['user_name', 'erin@corp.test', erin],
      ['external_id', 'e-4711', erin],
    ] as const) {
      await admin().must(owned({ owners: { users: [bob.id], groups: [] }, resourceOwner: { tagKey: 'owner', attribute } }))
      const flow = await staged([{ approvers: [{ kind: 'resource_owner' }] }])
      await tagged('app/cache', value)
      const asked = await world.request(alice, { flowId: flow.id, name: 'kv/app/cache' })
      expect((await approve(bob, asked.id)).status, attribute).toBe(404)
      expect((await approve(owner, asked.id)).body.state, attribute).toBe('approved')
      const key = { name: 'transit/orders', type: 'vault-transit-key', permissions: ['encrypt'] }
      const forKey = await world.request(alice, { flowId: flow.id, ...key })
      expect((await approve(owner, forKey.id)).status).toBe(404)
      expect((await approve(bob, forKey.id)).body.state).toBe('approved')
      await admin().must(admin().patch(`/api/access-flows/${flow.id}`, { active: false }))
    }
  })

  it('asks the groups that answer for an integration where a resource has no owner', async () => {
    const { id } = await admin().must(admin().post('/api/groups', { name: `owners ${randomBytes(3).toString('hex')}` }))
    await admin().must(admin().put(`/api/groups/${id}/members/${bob.id}`))
    await admin().must(owned({ owners: { users: [], groups: [id] }, resourceOwner: { tagKey: 'keeper', attribute: 'email' } }))
    const flow = await staged([{ approvers: [{ kind: 'resource_owner' }] }])
    const asked = await world.request(alice, { flowId: flow.id, name: 'kv/app/db' })
    expect((await approve(carol, asked.id)).status).toBe(404)
    await admin().must(admin().delete(`/api/groups/${id}/members/${bob.id}`))
    expect((await approve(bob, asked.id)).body.state, 'who has left the group').not.toBe('approved')
    await admin().must(admin().put(`/api/groups/${id}/members/${bob.id}`))
    expect((await approve(bob, asked.id)).body.state).toBe('approved')
    await admin().must(owned({ owners: { users: [bob.id], groups: [] }, resourceOwner: { tagKey: 'owner', attribute: 'email' } }))
  })

  it('lets others decide as well when nobody has for too long, and reminds those who may', async () => {
    const flow = await staged([{ approvers: [people(bob)], escalation: { afterSeconds: 3600, approvers: [people(dave)] } }], {
      remindSeconds: 1800,
    })
    const { id } = await world.request(alice, { flowId: flow.id })
    expect((await approve(dave, id)).status).toBe(404)
    const told = async () => (await admin().get(`/api/audit?subject=${id}`)).body.items.map((item: { kind: string }) => item.kind)
    await dueNow('request.remind', id)
    await expect.poll(told, { timeout: 60_000 }).toContain('request.reminded')
    await dueNow('request.escalate', id)
    await expect.poll(async () => (await approve(dave, id)).status, { timeout: 60_000 }).toBe(200)
    expect(await told()).toEqual(expect.arrayContaining(['request.reminded', 'request.escalated', 'request.approved']))
    const left = await world.broker.database.query(`select kind from due_work where subject = $1`, [id])
    expect(left).toEqual([])
  })

  it('lapses after the time the flow gives it', async () => {
    const flow = await staged([{ approvers: [people(bob)] }], { pendingSeconds: 2 })
    const { id } = await world.request(alice, { flowId: flow.id })
    await expect.poll(async () => (await stateOf(id)).state, { timeout: 10_000 }).toBe('expired')
  })

  it('lets an emergency through at once, tells the alert list, and has somebody else look at it', async () => {
    const auditor = await world.person('auditor', ['auditor'], ['read', 'approve', 'request'])
    const flow = await world.flow({ approval: { kind: 'emergency', alert: { users: [bob.id, carol.id], groups: [] } } })
    const ask = {
      flowId: flow.id,
      resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      seconds: 600,
    }
    expect((await auditor.api.post('/api/access-requests', { ...ask, justification: 'fire' })).body.message).toContain('confirm')
    expect((await auditor.api.post('/api/access-requests', { ...ask, emergency: true })).body.message).toContain('reason')
    const { id, grantId } = await auditor.api.must(
      auditor.api.post('/api/access-requests', { ...ask, emergency: true, justification: 'the database is on fire' }),
    )
    await world.until(auditor, grantId, 'active')
    const { body } = await admin().get(`/api/audit?subject=${id}&kind=request.emergency`)
    expect(body.items[0].data.alert.toSorted()).toEqual([bob.id, carol.id].toSorted())
    const open = await auditor.api.must(auditor.api.get('/api/emergency-reviews?state=open'))
    const review = open.items.find((item: { requestId: string }) => item.requestId === id)
    expect(review).toMatchObject({ reason: 'the database is on fire', closedAt: null })
    const close = (who: PersonInWorld) => who.api.post(`/api/emergency-reviews/${review.id}/close`, { note: 'seen' })
    expect((await close(auditor)).body.code).toBe('access.self_approval')
    expect((await close(bob)).status, 'as if it were not there').toBe(404)
    const second = await world.person('second', ['auditor'])
    expect((await close(second)).body).toMatchObject({ closedBy: second.id, note: 'seen' })
    expect((await close(second)).status).toBe(409)
  })
})
