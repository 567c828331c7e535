import { describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { NOBODY, personsHere, unique } from '../support/persons.ts'

let broker: Broker
const { person, trailOf } = personsHere((started) => {
  broker = started
})

describe('a caller', () => {
  it('is answered the same whatever is wrong with the credential', async () => {
    const revoked = await person()
    await revoked.api.delete(`/api/tokens/${revoked.tokenId}`)
    const expired = await person()
    await broker.database.query(
      `update api_tokens set created_at = now() - interval '2 hours', expires_at = now() - interval '1 second' where id = $1`,
      [expired.tokenId],
    )
    const disabled = await person()
    await broker.admin.patch(`/api/users/${disabled.id}`, { state: 'disabled' })
    // Even if the token had survived.
    await broker.database.query('update api_tokens set revoked_at = null where id = $1', [disabled.tokenId])

    const answers = await Promise.all([
      ...[revoked, expired, disabled].map(({ api }) => api.get('/api/me')),
      broker.api().get('/api/me'),
      broker.api(`lk_${'0'.repeat(43)}`).get('/api/me'),
      broker.api('nonsense').get('/api/me'),
      broker.api().get('/api/me', { headers: { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` } }),
      broker.api().get(`/api/me`, { headers: { authorization: `Bearer ${broker.adminToken} x` } }),
    ])
    for (const { status, headers, body } of answers) {
      expect({ status, challenge: headers['www-authenticate'] }).toEqual({ status: 401, challenge: 'Bearer realm="latchkey"' })
      expect({ ...body, requestId: '' }).toEqual({ ...answers[0]!.body, requestId: '' })
    }
  })

  it('learns who they are', async () => {
    const { id, name, tokenId, api } = await person(['approver', 'member'], ['read', 'approve'])
    const { id: groupId } = await broker.admin.must(broker.admin.post('/api/groups', { name: 'Night shift' }))
    await broker.admin.put(`/api/groups/${groupId}/members/${id}`)
    expect((await api.get('/api/me')).body).toEqual({
      id,
      name,
      userName: null,
      email: null,
      source: 'local',
      roles: ['approver', 'member'],
      state: 'active',
      createdAt: expect.any(String),
      groups: [{ id: groupId, name: 'Night shift' }],
      provider: null,
      scopes: ['read', 'approve'],
      tokenId,
    })
  })

  it('needs the scope and the role an endpoint asks for', async () => {
    const reader = await person(['admin'], ['read'])
    expect(await reader.api.get('/api/users')).toMatchObject({ status: 200 })
    expect(await reader.api.post('/api/users', { name: 'Eve' })).toMatchObject({
      status: 403,
      body: { code: 'auth.forbidden', fix: 'use a token with the scope manage' },
    })
    const member = await person(['member'])
    for (const answer of [
      member.api.get('/api/users'),
      member.api.post('/api/users', { name: 'Eve' }),
      member.api.get('/api/groups'),
    ]) {
      expect(await answer).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
    }
  })

  it('loses a role with the next call', async () => {
    const { id, api } = await person(['admin'])
    expect((await api.get('/api/users')).status).toBe(200)
    await broker.admin.patch(`/api/users/${id}`, { roles: ['member'] })
    expect((await api.get('/api/users')).status).toBe(403)
  })
})

describe('a person', () => {
  it('is created, found, changed and written down', async () => {
    const { admin } = broker
    const created = await admin.post('/api/users', {
      name: ' Zoë Ångström ',
      email: 'zoe@example.com',
      roles: ['approver', 'member', 'approver'],
    })
    expect(created).toMatchObject({ status: 201, body: { name: 'Zoë Ångström', roles: ['approver', 'member'], state: 'active' } })
    const { id } = created.body
    expect((await admin.get(`/api/users/${id}`)).body).toEqual({
      ...created.body,
      attributes: {},
      manager: null,
      groups: [],
      facts: ['name', 'email'].map((fact) => ({ fact, source: 'local', at: created.body.createdAt })),
      identities: [],
    })
    expect(await admin.patch(`/api/users/${id}`, { email: null, roles: ['auditor'] })).toMatchObject({
      status: 200,
      body: { ...created.body, email: null, roles: ['auditor'] },
    })
    const { id: me } = (await admin.get('/api/me')).body
    expect((await trailOf(id)).map(({ kind, actor, body }) => ({ kind, actor, ...JSON.parse(body) }))).toEqual([
      { kind: 'user.created', actor: me, name: 'Zoë Ångström', email: 'zoe@example.com', roles: ['approver', 'member'] },
      { kind: 'user.changed', actor: me, email: null, roles: ['auditor'] },
      { kind: 'person.roles_lost', actor: me, roles: ['approver'] },
    ])
  })

  it('has a name nobody else has, however it is written', async () => {
    const { name } = await person()
    const { id } = await person()
    const taken = { status: 409, body: { code: 'name.taken', field: 'name' } }
    expect(await broker.admin.post('/api/users', { name: name.toUpperCase() })).toMatchObject(taken)
    expect(await broker.admin.patch(`/api/users/${id}`, { name })).toMatchObject(taken)
  })

  it('leaves no trace of a change that was refused', async () => {
    const { name } = await person()
    const { id } = await person()
    const before = await trailOf(id)
    await broker.admin.patch(`/api/users/${id}`, { name, roles: ['admin'] })
    expect(await trailOf(id)).toEqual(before)
    expect((await broker.admin.get(`/api/users/${id}`)).body.roles).toEqual(['member'])
  })

  it('who is not there cannot be read or changed', async () => {
    expect(await broker.admin.get(`/api/users/${NOBODY}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await broker.admin.patch(`/api/users/${NOBODY}`, { name: 'x' })).toMatchObject({ status: 404 })
  })

  it('does not get old tokens back when enabled again', async () => {
    const { id, api } = await person()
    await broker.admin.patch(`/api/users/${id}`, { state: 'disabled' })
    await broker.admin.patch(`/api/users/${id}`, { state: 'active' })
    expect((await api.get('/api/me')).status).toBe(401)
  })
})

describe('a list', () => {
  it('is read page by page, each person once, by name', async () => {
    const own = await startBroker()
    for (const name of ['b', 'A', 'd', 'C', 'e']) await own.admin.must(own.admin.post('/api/users', { name }))
    const names: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const page = await own.admin.must(own.admin.get(`/api/users?limit=2${next && `&cursor=${next}`}`))
      expect(page.items.length).toBeLessThanOrEqual(2)
      names.push(...page.items.map(({ name }: { name: string }) => name))
      next = page.next
    }
    expect(names.filter((name) => !name.startsWith('admin'))).toEqual(['A', 'b', 'C', 'd', 'e'])
    expect(names).toHaveLength(6)
    await own.close()
  })

  it('goes on only with a cursor this broker made for it', async () => {
    await person()
    const { next } = (await broker.admin.get('/api/users?limit=1')).body
    expect((await broker.admin.get(`/api/users?cursor=${next}`)).status).toBe(200)
    const [body, tag] = next.split('.')
    const otherBody = Buffer.from('"zzz"').toString('base64url')
    const forgeries = [
      `/api/groups?cursor=${next}`,
      ...[`${otherBody}.${tag}`, body, `${next}.`, `${next}A`, 'x', '.', `${body}.${'A'.repeat(22)}`].map(
        (one) => `/api/users?cursor=${one}`,
      ),
    ]
    for (const path of forgeries) {
      expect(await broker.admin.get(path), path).toMatchObject({ status: 400, body: { code: 'input.invalid', field: 'cursor' } })
    }
  })

  it('can be narrowed to who is disabled', async () => {
    const { id } = await person()
    await broker.admin.patch(`/api/users/${id}`, { state: 'disabled' })
    const { items } = (await broker.admin.get('/api/users?state=disabled&limit=200')).body
    expect(items.map((one: { id: string }) => one.id)).toContain(id)
    expect(new Set(items.map((one: { state: string }) => one.state))).toEqual(new Set(['disabled']))
  })
})

describe('a group', () => {
  it('gains and loses members, each once, and is written down', async () => {
    const { admin } = broker
    const { id: userId, name } = await person()
    const group = await admin.must(admin.post('/api/groups', { name: unique('group') }))
    const member = `/api/groups/${group.id}/members/${userId}`
    for (const act of [admin.put(member), admin.put(member)]) expect((await act).status).toBe(204)
    expect((await admin.get(`/api/groups/${group.id}`)).body).toEqual({
      ...group,
      members: [{ id: userId, name, state: 'active' }],
    })
    for (const act of [admin.delete(member), admin.delete(member)]) expect((await act).status).toBe(204)
    expect((await admin.get(`/api/groups/${group.id}`)).body.members).toEqual([])
    expect((await admin.delete(`/api/groups/${group.id}`)).status).toBe(204)
    expect((await admin.get(`/api/groups/${group.id}`)).status).toBe(404)
    expect((await trailOf(group.id)).map(({ kind }) => kind)).toEqual([
      'group.created',
      'group.member_added',
      'group.member_removed',
      'group.removed',
    ])
  })

  it('has a name no other has, and only members there are', async () => {
    const { admin } = broker
    const { id, name } = await admin.must(admin.post('/api/groups', { name: unique('group') }))
    expect(await admin.post('/api/groups', { name })).toMatchObject({ status: 409, body: { code: 'name.taken', field: 'name' } })
    expect(await admin.put(`/api/groups/${id}/members/${NOBODY}`)).toMatchObject({ status: 404, body: { field: 'userId' } })
    expect(await admin.put(`/api/groups/grp_00000000000000000000000000/members/${NOBODY}`)).toMatchObject({ status: 404 })
    expect(await admin.delete('/api/groups/grp_00000000000000000000000000')).toMatchObject({ status: 404 })
  })
})
