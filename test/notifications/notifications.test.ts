import { describe, expect, it } from 'vitest'
import { lettersHere } from '../support/letters.ts'
import { ownToken } from '../support/own-token.ts'
import { puppetToken } from '../support/puppet.ts'
import type { PostOffice } from '../support/smtp.ts'
import type { PersonInWorld, World } from '../support/world.ts'

let office: PostOffice
let world: World
let alice: PersonInWorld
let bob: PersonInWorld

const { addressed, flowFor, decide, to, told, deliveriesOf } = lettersHere((letters) => {
  ;({ office, world, alice, bob } = letters)
})

describe('people', () => {
  it('are told when somebody else makes a token for them, and not of their own', async () => {
    const { admin } = world.broker
    const wish = { name: 'for the scripts of alice', scopes: ['read', 'request'], expiresInSeconds: 600 }
    const made = await admin.must(admin.post('/api/tokens', { ...wish, userId: alice.id }))
    const me = await admin.must(admin.get('/api/me'))
    const letter = await told(
      'alice@people.example',
      'An admin made a token for you, and can read and ask for access in your name with it',
    )
    for (const words of ['for the scripts of alice', 'read, request', me.name, made.id, 'If you did not ask for it, revoke it']) {
      expect(letter.plain).toContain(words)
    }
    expect(letter.plain).not.toContain(made.token)
    const own = await ownToken(world.broker.database, bob.id, ['read'])
    const after = await admin.must(admin.post('/api/tokens', { ...wish, name: 'after', userId: alice.id }))
    await expect.poll(() => to('alice@people.example', after.id).length).toBe(1)
    expect(to('bob@people.example', own.id)).toEqual([])
    const { items } = await admin.must(admin.get(`/api/tokens?userId=${alice.id}&limit=200`))
    const listed = items.map(({ id, createdBy }: { id: string; createdBy: string }) => [id, createdBy])
    expect(listed).toContainEqual([made.id, me.id])
  })

  it('are told when a code is made to enrol them, and when it is redeemed', async () => {
    const { admin } = world.broker
    const { id } = await admin.must(admin.post('/api/users', { name: 'Carla', email: 'carla@people.example' }))
    const { code } = await admin.must(admin.post(`/api/users/${id}/enrolment-code`, {}))
    const made = await told(
      'carla@people.example',
      'An enrolment code was made for you: you, or the admin who made it, can get a token in your name with it',
    )
    expect(made.plain).toContain((await admin.must(admin.get('/api/me'))).name)
    const minted = await admin.must(admin.post('/api/enrolments', { code }))
    const redeemed = await told('carla@people.example', 'Your enrolment code was redeemed for a token of yours')
    for (const letter of [made, redeemed]) expect(letter.plain).not.toContain(code)
    expect(redeemed.plain).not.toContain(minted.token)
  })

  it('are told once when their tokens end with who enrolled them, and that they need a new code', async () => {
    const { admin, api } = world.broker
    const email = 'dora@people.example'
    const { id } = await admin.must(admin.post('/api/users', { name: 'Dora', email }))
    const leaver = await world.person('leaver', ['admin'], ['read', 'manage'])
    const { code } = await leaver.api.must(leaver.api.post(`/api/users/${id}/enrolment-code`, {}))
    const { token, id: tokenId } = await admin.must(admin.post('/api/enrolments', { code }))
    await puppetToken(api(token))
    await admin.must(admin.patch(`/api/users/${leaver.id}`, { state: 'disabled' }))
    const ended = await told(email, 'Your token was revoked: the person who made it, or who may hold a copy, is no longer active')
    expect(ended.plain).toContain('ask an admin for a new enrolment code')
    expect(ended.plain).toContain(tokenId)
    const second = await admin.must(admin.post(`/api/users/${id}/enrolment-code`, {}))
    await expect.poll(() => to(email, second.id).length).toBe(1)
    expect(to(email, 'Your token was revoked')).toHaveLength(1)
  })

  it('are told of everything that becomes of their request, and approvers of what waits for them', async () => {
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id, seconds: 3600, justification: 'the <b>tests</b> & more' })
    const asked = await told('bob@people.example', `${alice.name} asks you to approve access to kv/app/db`)
    expect(asked.plain).toContain('Access: read on kv/app/db\nFor: 1 hour\n')
    expect(asked.plain).toContain(`https://latchkey.example/requests/${id}`)
    expect(asked.html).toContain('the &#60;b&#62;tests&#60;/b&#62; &#38; more')
    expect(asked.html).not.toMatch(/<b>|<form|<img|<script/)
    await told('alice@people.example', 'You asked for access to kv/app/db')
    await decide(bob, id, { decision: 'approve' })
    await told('alice@people.example', 'Your request for access to kv/app/db was approved')
    await told('alice@people.example', 'Your access to kv/app/db is being set up')
    const ready = await told('alice@people.example', 'Your access to kv/app/db is ready')
    const { grantId } = (await alice.api.get(`/api/access-requests/${id}`)).body
    await bob.api.must(bob.api.post(`/api/grants/${grantId}/revoke`, { reason: 'done' }))
    await told('alice@people.example', 'Your access to kv/app/db is being ended')
    await told('alice@people.example', 'Your access to kv/app/db was ended early')
    expect(to('bob@people.example', id)).toHaveLength(1)
    expect(to('alice@people.example', id)).toHaveLength(6)
    expect(ready.headers.get('references'), 'one conversation per request').toBe(asked.headers.get('references'))
    const ids = (await deliveriesOf(id)).map((one: { id: string }) => `<${one.id}@broker.example>`)
    expect(ids).toContain(asked.headers.get('message-id'))
    expect(asked.headers.get('auto-submitted')).toBe('auto-generated')
    expect(office.letters.every((letter) => letter.secure && letter.user === 'broker')).toBe(true)
  })

  it('hear the reason of a rejection, and of what nobody decided', async () => {
    const flow = await flowFor([bob])
    const rejected = await world.request(alice, { flowId: flow.id })
    await decide(bob, rejected.id, { decision: 'reject', reason: 'use staging' })
    const no = await told('alice@people.example', 'Your request for access to kv/app/db was rejected')
    expect(no.plain).toContain(`By: ${bob.name}\nReason: use staging\n`)
    const lapsed = await world.request(alice, { flowId: flow.id })
    await world.broker.database.query(`update due_work set run_at = now() where kind = 'request.lapse' and subject = $1`, [
      lapsed.id,
    ])
    await told('alice@people.example', 'Your request for access to kv/app/db was not decided in time')
    const cancelled = await world.request(alice, { flowId: flow.id })
    await alice.api.must(alice.api.post(`/api/access-requests/${cancelled.id}/cancel`))
    await told('alice@people.example', 'Your request for access to kv/app/db was cancelled')
    await told('bob@people.example', `${alice.name}’s request for access to kv/app/db was cancelled`)
  })

  it('hear that a flow was switched off under a request, who asked and who would have decided', async () => {
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    await told('bob@people.example', `${alice.name} asks you to approve access to kv/app/db`)
    const { admin } = world.broker
    await admin.must(admin.patch(`/api/access-flows/${flow.id}`, { active: false }))
    const hers = await told(
      'alice@people.example',
      'Your request for access to kv/app/db was ended by the broker before anybody decided',
    )
    const his = await told(
      'bob@people.example',
      `${alice.name}’s request for access to kv/app/db was ended by the broker before anybody decided`,
    )
    for (const letter of [hers, his]) {
      expect(letter.plain).toContain('Reason: the access flow was switched off')
      expect(letter.plain).not.toContain('Nothing happens until')
      expect(letter.plain).toContain(id)
    }
  })

  it('are told that it is more time which is asked for, and approved, on access that they have', async () => {
    const flow = await flowFor([bob], { extensions: { count: 1, maxSeconds: 600 } })
    const { id } = await world.request(alice, { flowId: flow.id })
    await decide(bob, id, { decision: 'approve' })
    await told('alice@people.example', 'Your access to kv/app/db is ready')
    const { grantId } = (await alice.api.get(`/api/access-requests/${id}`)).body
    const more = await alice.api.must(alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 }))
    expect(more).toMatchObject({ kind: 'extension', asked: 'more time on kv/app/db' })
    await told('bob@people.example', `${alice.name} asks you to approve more time on kv/app/db`)
    await told('alice@people.example', 'You asked for more time on kv/app/db')
    await decide(bob, more.id, { decision: 'approve' })
    await told('alice@people.example', 'Your request for more time on kv/app/db was approved')
    await told('alice@people.example', 'Your access to kv/app/db was extended')
  })

  it('who are only to be told are told, and may decide nothing', async () => {
    const carol = await world.person('carol')
    await addressed(carol, 'carol@people.example')
    const flow = await flowFor([bob])
    await world.broker.database.query(`update access_flow_versions set rule = rule || $2 where flow_id = $1`, [
      flow.id,
      JSON.stringify({ notify: { users: [carol.id, bob.id], groups: [] } }),
    ])
    const { id } = await world.request(alice, { flowId: flow.id })
    await told('carol@people.example', `${alice.name} asked for access to kv/app/db`)
    await told('bob@people.example', `${alice.name} asks you to approve access to kv/app/db`)
    expect(to('bob@people.example', id), 'once, for the weightiest reason').toHaveLength(1)
    expect((await carol.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })).status).toBe(404)
  })

  it('of the next stage hear of a request when it gets there, and those it is passed on to when nobody decides', async () => {
    const carol = await world.person('carol')
    const dave = await world.person('dave')
    await addressed(carol, 'carol@people.example')
    await addressed(dave, 'dave@people.example')
    const people = (who: PersonInWorld) => [{ kind: 'people', users: [who.id], groups: [] }]
    const flow = await world.flow({
      approval: {
        kind: 'stages',
        stages: [
          { approvers: people(bob), needed: 1 },
          { approvers: people(carol), needed: 1, escalation: { afterSeconds: 600, approvers: people(dave) } },
        ],
      },
    })
    const { id } = await world.request(alice, { flowId: flow.id })
    const asks = `${alice.name} asks you to approve access to kv/app/db`
    await told('bob@people.example', asks)
    await decide(bob, id, { decision: 'approve' })
    await told('carol@people.example', asks)
    await told('alice@people.example', 'Your request for access to kv/app/db waits for the next approvers')
    await world.broker.database.query(`update due_work set run_at = now() where kind = 'request.escalate' and subject = $1`, [id])
    await told('dave@people.example', asks)
    await told('alice@people.example', 'Your request for access to kv/app/db was passed on to more approvers')
    expect(to('bob@people.example', id), 'whose stage is over').toHaveLength(1)
  })

  it('on the alert list and those who review hear of an emergency at once', async () => {
    const carol = await world.person('carol')
    await addressed(carol, 'carol@people.example')
    const list = (who: PersonInWorld) => ({ users: [who.id], groups: [] })
    const flow = await world.flow({ approval: { kind: 'emergency', alert: list(bob), reviewers: list(carol) } })
    const resources = [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }]
    const ask = { flowId: flow.id, resources, seconds: 60, justification: 'production is down', emergency: true }
    await alice.api.must(alice.api.post('/api/access-requests', ask))
    const subject = `Emergency: ${alice.name} took access to kv/app/db without approval`
    expect((await told('bob@people.example', subject)).plain).toContain('Because: production is down\n')
    expect((await told('carol@people.example', subject)).plain).toContain('You may review emergency access')
    await told('alice@people.example', 'Emergency: You took access to kv/app/db without approval')
  })

  it('who run the broker hear that access cannot be taken away, and that something nobody knew was found', async () => {
    const { admin, database } = world.broker
    await admin.must(admin.patch(`/api/users/${(await admin.get('/api/me')).body.id}`, { email: 'root@people.example' }))
    const gina = await world.person('gina')
    await addressed(gina, 'gina@people.example')
    const group = await admin.must(admin.post('/api/groups', { name: 'runs the broker' }))
    await admin.must(admin.put(`/api/groups/${group.id}/members/${gina.id}`))
    await admin.must(admin.put(`/api/role-groups/admin/${group.id}`))
    const grantId = await world.grant(alice, { seconds: 600 })
    await database.query(
      `insert into audit_events (id, kind, actor, subject, body)
       values ('aud_00000000000000000000000001', 'grant.stuck', 'broker', $1, '{"code":"target.denied","message":"refused to delete"}'),
         ('aud_00000000000000000000000002', 'orphan.removed', 'broker', $2, '{"artefact":"a policy"}')`,
      [grantId, world.integrationId],
    )
    const stuck = await told(
      'root@people.example',
      `${alice.name}’s access to kv/app/db could not be ended yet: an admin must look`,
    )
    expect(stuck.plain).toContain('Reason: refused to delete\n')
    // By a group one is as much an admin as by a role of one's own.
    await told('gina@people.example', `${alice.name}’s access to kv/app/db could not be ended yet: an admin must look`)
    await told('root@people.example', 'A leftover that belongs to no grant was removed')
    await told('alice@people.example', 'Your access to kv/app/db could not be ended yet: an admin must look')
  })

  it.each([
    ['müller@example.com', 'müller@example.com'],
    ['x@exämple.com', 'x@xn--exmple-cua.com'],
    ['a&b@example.com', 'a&b@example.com'],
    ['a/b@example.com', 'a/b@example.com'],
  ])('are written to at %s', async (address, written) => {
    const fritz = await world.person('fritz')
    await addressed(fritz, address)
    const { id } = await world.request(alice, { flowId: (await flowFor([fritz])).id })
    // The receiving server shows domains in Unicode again; the header has what was sent.
    await expect.poll(() => to(address, id).map(({ headers }) => headers.get('to'))).toHaveLength(1)
    expect(to(address, id)[0]!.headers.get('to')).toContain(`<${written}>`)
    expect((await deliveriesOf(id)).every((one: { lastError: string | null }) => one.lastError === null)).toBe(true)
  })

  it('who asked, and who run the broker, hear at once that nobody is left who could decide', async () => {
    const { admin } = world.broker
    const erin = await world.person('erin')
    const group = await admin.must(admin.post('/api/groups', { name: 'approvers for a while' }))
    await admin.must(admin.put(`/api/groups/${group.id}/members/${erin.id}`))
    const flow = await world.flow({ approval: { kind: 'approvers', users: [], groups: [group.id], needed: 1 } })
    await world.request(alice, { flowId: flow.id })
    await admin.must(admin.delete(`/api/groups/${group.id}`))
    await told('alice@people.example', 'Nobody can decide on your request for access to kv/app/db any more')
    await told('root@people.example', `Nobody can decide on ${alice.name}’s request for access to kv/app/db any more`)
  })

  it('who have left, or have no address, are not written to', async () => {
    const dora = await world.person('dora')
    await addressed(dora, 'dora@people.example')
    await world.broker.admin.must(world.broker.admin.patch(`/api/users/${dora.id}`, { state: 'disabled' }))
    const erin = await world.person('erin')
    const flow = await flowFor([dora, erin, bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    await told('bob@people.example', `${alice.name} asks you to approve access to kv/app/db`)
    expect((await deliveriesOf(id)).map((one: { to: { id: string } }) => one.to.id).toSorted()).toEqual(
      [alice.id, bob.id].toSorted(),
    )
  })
})
