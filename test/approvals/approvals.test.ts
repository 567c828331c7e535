import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type PersonInWorld, startWorld, traces, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('asking and deciding, on $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  let alice: PersonInWorld
  let bob: PersonInWorld
  let carol: PersonInWorld

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
    ;({ alice, bob } = world)
    carol = await world.person('carol')
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const approve = (who: PersonInWorld, id: string, more: object = {}) =>
    who.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve', ...more })
  const reject = (who: PersonInWorld, id: string, reason = 'no') =>
    who.api.post(`/api/access-requests/${id}/approvals`, { decision: 'reject', reason })
  const flowFor = (approvers: readonly PersonInWorld[], more: Record<string, unknown> = {}, needed = 1) =>
    world.flow({ approval: { kind: 'approvers', users: approvers.map((who) => who.id), groups: [], needed }, ...more })

  it('shows before asking what would be granted, who decides, and the exact policy; and writes nothing', async () => {
    const flow = await flowFor([bob])
    const resourceId = await world.resource('kv/app/db')
    const { body } = await alice.api.post('/api/access-requests/dry-run', {
      flowId: flow.id,
      resources: [{ resourceId, permissions: ['read'] }],
      seconds: 60,
    })
    expect(body).toMatchObject({ allowed: true, automatic: false, needed: 1, approvers: [{ id: bob.id }], guarantee: 'server' })
    const policy = body.steps.find((step: { kind: string }) => step.kind === 'policy')
    expect(policy.args.document.path['kv/data/app/db']).toEqual({ capabilities: ['read'] })
    expect(policy.summary).toBe('Lets the grantee read kv/app/db, and nothing else.')
    expect((await alice.api.get('/api/access-requests')).body.items).toEqual([])
    expect(await traces(vault)).toEqual([])
  })

  it('says why not, with every reason', async () => {
    const flow = await world.flow({
      requesters: { kind: 'people', users: [alice.id, bob.id], groups: [] },
      resources: [{ paths: ['kv/team/**'] }],
      permissions: { 'vault-kv-secret': ['read'] },
      maxSeconds: 60,
      justification: 'required',
    })
    const resourceId = await world.resource('kv/app/db')
    const ask = { flowId: flow.id, resources: [{ resourceId, permissions: ['read', 'write'] }], seconds: 61 }
    const { body } = await alice.api.post('/api/access-requests/dry-run', ask)
    expect(body.allowed).toBe(false)
    expect(body.reasons.map((reason: string) => reason.slice(flow.name.length + 2))).toEqual([
      'it allows at most 1 minute',
      'it needs a justification',
      'it does not cover kv/app/db',
      'it does not permit write on kv/app/db',
    ])
    expect((await alice.api.post('/api/access-requests', ask)).body).toMatchObject({ status: 422, code: 'access.denied' })
  })

  it('never lets anybody decide on their own request, by whatever road they are an approver', async () => {
    const { admin } = world.broker
    const group = await admin.must(admin.post('/api/groups', { name: `deciders ${randomBytes(3).toString('hex')}` }))
    await admin.must(admin.put(`/api/groups/${group.id}/members/${alice.id}`))
    await admin.must(admin.put(`/api/groups/${group.id}/members/${bob.id}`))
    const flow = await world.flow({ approval: { kind: 'approvers', users: [alice.id], groups: [group.id], needed: 1 } })
    const { id } = await world.request(alice, { flowId: flow.id })
    expect((await approve(alice, id)).body).toMatchObject({ status: 403, code: 'access.self_approval' })
    const root = await world.person(
      'root',
      ['admin', 'owner', 'approver', 'auditor', 'member'],
      ['read', 'request', 'approve', 'manage'],
    )
    const own = await world.request(root, { flowId: flow.id })
    expect((await approve(root, own.id)).status).toBe(403)
    expect((await approve(root, id)).status, 'an admin is no approver unless the flow says so').toBe(404)
    const { code } = await root.api.must(root.api.post(`/api/users/${bob.id}/enrolment-code`, {}))
    const puppet = await root.api.must(root.api.post('/api/enrolments', { code }))
    expect(
      (await world.broker.api(puppet.token).post(`/api/access-requests/${own.id}/approvals`, { decision: 'approve' })).body,
    ).toMatchObject({
      code: 'access.self_approval',
    })
    const seen = await alice.api.must(alice.api.get(`/api/access-requests/${id}`))
    expect(seen.approvers.map((person: { id: string }) => person.id)).toEqual([bob.id])
    expect((await approve(bob, id)).body.state).toBe('approved')
  })

  it('refuses a request that nobody could approve', async () => {
    const flow = await flowFor([alice])
    const resourceId = await world.resource('kv/app/db')
    const answer = await alice.api.post('/api/access-requests', {
      flowId: flow.id,
      resources: [{ resourceId, permissions: ['read'] }],
      seconds: 60,
    })
    expect(answer.body).toMatchObject({ status: 422, code: 'access.no_approver' })
  })

  it('waits for as many approvers as the flow needs, and grants for the shortest time any of them allowed', async () => {
    const flow = await flowFor([bob, carol], {}, 2)
    const { id } = await world.request(alice, { flowId: flow.id, seconds: 600 })
    expect((await approve(bob, id, { seconds: 601 })).body).toMatchObject({ status: 400, field: 'seconds' })
    expect((await approve(bob, id, { seconds: 120 })).body).toMatchObject({ state: 'pending', needed: 2 })
    expect((await approve(bob, id)).status, 'once per person').toBe(409)
    const done = await approve(carol, id)
    expect(done.body).toMatchObject({ state: 'approved', approvedSeconds: 120 })
    expect(await world.until(alice, done.body.grantId, 'active')).toMatchObject({ seconds: 120 })
  })

  it('counts only approvers who may still decide', async () => {
    const { admin } = world.broker
    const group = await admin.must(admin.post('/api/groups', { name: `team ${randomBytes(3).toString('hex')}` }))
    for (const who of [bob, carol]) await admin.must(admin.put(`/api/groups/${group.id}/members/${who.id}`))
    const dave = await world.person('dave')
    const flow = await world.flow({ approval: { kind: 'approvers', users: [dave.id], groups: [group.id], needed: 2 } })
    const { id } = await world.request(alice, { flowId: flow.id })
    expect((await approve(bob, id)).body.state).toBe('pending')
    await admin.must(admin.delete(`/api/groups/${group.id}/members/${bob.id}`))
    expect((await approve(carol, id)).body.state, 'the approval of somebody who left counts no more').toBe('pending')
    expect((await approve(dave, id)).body.state).toBe('approved')
  })

  it('is decided once when two approve at the same moment', async () => {
    const flow = await flowFor([bob, carol])
    for (let i = 0; i < 10; i += 1) {
      const { id } = await world.request(alice, { flowId: flow.id })
      const answers = await Promise.all([approve(bob, id), approve(carol, id)])
      expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409])
      expect(answers.find((answer) => answer.status === 409)?.body.message).toContain('already approved')
      const { body } = await world.broker.admin.get(`/api/audit?subject=${id}&kind=request.approved`)
      expect(body.items).toHaveLength(1)
    }
  })

  it('has one outcome when an approval, a rejection and a cancellation meet', async () => {
    const flow = await flowFor([bob, carol])
    for (let i = 0; i < 10; i += 1) {
      const { id } = await world.request(alice, { flowId: flow.id })
      const answers = await Promise.all([
        approve(bob, id),
        reject(carol, id),
        alice.api.post(`/api/access-requests/${id}/cancel`),
      ])
      expect(
        answers.map((answer) => answer.status).toSorted((a, b) => a - b),
        answers.map((answer) => answer.text).join(),
      ).toEqual([200, 409, 409])
      const { body } = await alice.api.get(`/api/access-requests/${id}`)
      expect(body.state === 'approved').toBe(body.grantId !== null)
    }
  })

  it('tells the requester why it was rejected', async () => {
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    const mute = await bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'reject' })
    expect(mute.body).toMatchObject({ status: 400, field: 'reason' })
    expect((await reject(bob, id, 'use staging')).body.state).toBe('rejected')
    const { body } = await alice.api.get(`/api/access-requests/${id}`)
    expect(body.approvals).toMatchObject([{ approver: { id: bob.id }, decision: 'reject', reason: 'use staging' }])
    expect(body.grantId).toBeNull()
  })

  it('lapses when nobody decides in time', async () => {
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    await world.broker.database.query(`update due_work set run_at = now() where kind = 'request.lapse' and subject = $1`, [id])
    await expect
      .poll(async () => (await alice.api.get(`/api/access-requests/${id}`)).body.state, { timeout: 10_000 })
      .toBe('expired')
    expect((await approve(bob, id)).status).toBe(409)
  })

  it('shows approvers what waits for them, and nobody what is none of their business', async () => {
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    const inbox = await bob.api.must(bob.api.get('/api/access-requests?role=approver'))
    expect(inbox.items.map((item: { id: string }) => item.id)).toContain(id)
    expect(
      (await carol.api.get('/api/access-requests?role=approver')).body.items.map((item: { id: string }) => item.id),
    ).not.toContain(id)
    expect((await carol.api.get(`/api/access-requests/${id}`)).status).toBe(404)
    expect((await carol.api.get('/api/access-requests?role=any')).body.items).toEqual([])
    expect((await approve(carol, id)).status).toBe(404)
    expect((await carol.api.post(`/api/access-requests/${id}/cancel`)).status).toBe(404)
  })

  it('shows approvers the policy that would be written, and a sentence of what it does', async () => {
    const { id } = await world.request(alice, { flowId: (await flowFor([bob])).id })
    const { steps } = await bob.api.must(bob.api.get(`/api/access-requests/${id}`))
    const policy = steps.find((step: { kind: string }) => step.kind === 'policy')
    expect(policy.args.document.path['kv/data/app/db']).toEqual({ capabilities: ['read'] })
    expect(policy.summary).toBe('Lets the grantee read kv/app/db, and nothing else.')
  })

  it('keeps a request under the version of the flow it was made under', async () => {
    const { admin } = world.broker
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    const { rule } = await admin.must(admin.get(`/api/access-flows/${flow.id}`))
    const changed = await admin.must(
      admin.patch(`/api/access-flows/${flow.id}`, {
        version: 1,
        rule: { ...rule, approval: { ...rule.approval, users: [carol.id] } },
      }),
    )
    expect(changed.version).toBe(2)
    expect((await admin.patch(`/api/access-flows/${flow.id}`, { version: 1, active: false })).status).toBe(409)
    expect((await approve(carol, id)).status).toBe(404)
    expect((await approve(bob, id)).body).toMatchObject({ state: 'approved', flow: { version: 1 } })
    const later = await world.request(alice, { flowId: flow.id })
    expect((await approve(bob, later.id)).status).toBe(404)
    expect((await approve(carol, later.id)).body.state).toBe('approved')
  })
})
