import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Scope } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { within } from '../support/database.ts'
import { ownToken } from '../support/own-token.ts'

const ALL: Scope[] = ['read', 'request', 'approve', 'manage', 'audit']
const HOUR = 3600
const NOBODY = 'usr_00000000000000000000000000'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker?.close())

let count = 0
const unique = (word: string) => `${word} ${++count}`

async function person(
  roles: string[] = ['member'],
  scopes: Scope[] = ALL,
): Promise<{ id: string; name: string; tokenId: string; api: Api }> {
  const { admin } = broker
  const { id, name } = await admin.must(admin.post('/api/users', { name: unique('person'), roles: ['member'] }))
  const minted = await ownToken(broker.database, id, scopes, 2 * HOUR)
  await admin.must(admin.patch(`/api/users/${id}`, { roles }))
  return { id, name, tokenId: minted.id, api: broker.api(minted.token) }
}

const trailOf = (subject: string) =>
  broker.database.query<{ kind: string; actor: string; body: string }>(
    'select e.kind, e.actor, e.body from audit_events e join audit_chain c on c.event_id = e.id where e.subject = $1 order by c.seq',
    [subject],
  )

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

describe('the last active admin', () => {
  it('cannot be disabled or lose the role, alone or in a race', async () => {
    const own = await startBroker()
    const { admin } = own
    const { id } = (await admin.get('/api/me')).body
    for (const change of [{ state: 'disabled' }, { roles: ['member'] }, { roles: [] }]) {
      expect(await admin.patch(`/api/users/${id}`, change)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect(await admin.patch(`/api/users/${id}`, { roles: ['admin'] })).toMatchObject({ status: 200 })

    const second = await admin.must(admin.post('/api/users', { name: 'second', roles: ['admin'] }))
    const statuses = await Promise.all(
      [id, second.id].map(async (one) => (await admin.patch(`/api/users/${one}`, { roles: [] })).status),
    )
    expect(statuses.filter((status) => status !== 200)).toEqual([expect.toBeOneOf([403, 409])])
    const left = await own.database.query(`select id from users where state = 'active' and 'admin' = any(roles)`)
    expect(left).toHaveLength(1)
    await own.close()
  })

  it('is left by two who take the role from each other at the same moment', async () => {
    const own = await startBroker()
    const { id } = (await own.admin.get('/api/me')).body
    const second = await own.admin.must(own.admin.post('/api/users', { name: 'second', roles: ['admin'] }))
    await ownToken(own.database, second.id, ['read'])
    // Nobody's commit gets through until both have looked who is left.
    const { statuses } = await within(own.database.url, async (client) => {
      await client.query('begin')
      await client.query('select from audit_head for update')
      const changes = [id, second.id].map((one) => own.admin.patch(`/api/users/${one}`, { roles: [] }))
      await waitFor('both to wait', async () => {
        const waiting = await own.database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return waiting.length >= 2
      })
      await client.query('rollback')
      return { statuses: (await Promise.all(changes)).map(({ status }) => status) }
    })
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, expect.toBeOneOf([403, 409])])
    await own.close()
  })

  it('keeps the group that makes them one, and the role goes to nobody else meanwhile', async () => {
    const own = await startBroker()
    const { admin } = own
    const { id } = (await admin.get('/api/me')).body
    const group = await admin.must(admin.post('/api/groups', { name: 'admins' }))
    await admin.must(admin.put(`/api/role-groups/admin/${group.id}`))
    await own.database.query('insert into group_members (group_id, user_id) values ($1, $2)', [group.id, id])
    // Another road leads to the role, so the own one may go.
    expect((await admin.patch(`/api/users/${id}`, { roles: ['member'] })).status).toBe(200)
    for (const path of [
      `/api/groups/${group.id}/members/${id}`,
      `/api/role-groups/admin/${group.id}`,
      `/api/groups/${group.id}`,
    ]) {
      expect(await admin.delete(path), path).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect((await admin.patch(`/api/users/${id}`, { state: 'disabled' })).status).toBe(409)
    await own.close()
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

describe('a token', () => {
  it('is shown once, and the database cannot tell it', async () => {
    const { api, id: userId } = await person()
    const minted = await api.post('/api/tokens', { name: 'laptop', scopes: ['request', 'read', 'read'], expiresInSeconds: HOUR })
    expect(minted).toMatchObject({
      status: 201,
      body: { userId, name: 'laptop', scopes: ['read', 'request'], revokedAt: null, lastUsedAt: null },
    })
    expect(minted.headers['cache-control']).toBe('no-store')
    const { token, ...kept } = minted.body
    expect(token).toMatch(/^lk_[0-9A-Za-z]{43}$/)
    expect(Date.parse(kept.expiresAt) - Date.parse(kept.createdAt)).toBe(HOUR * 1000)
    const list = await api.get('/api/tokens')
    expect(list.body.items).toContainEqual(kept)
    const everywhere = JSON.stringify([
      list.body,
      await broker.database.query('select t::text from api_tokens t'),
      await broker.database.query('select e::text from audit_events e'),
      broker.log,
    ])
    expect(everywhere).not.toContain(token)
    expect(everywhere).not.toContain(token.slice(3, 20))
  })

  it('says when it was last used, without a write per call', async () => {
    const { tokenId, api } = await person()
    const used = async () =>
      (
        await broker.database.query<{ at: Date }>('select last_used_at as at from api_tokens where id = $1', [tokenId])
      )[0]!.at?.getTime()
    expect(await used()).toBeUndefined()
    await api.get('/api/me')
    const first = await used()
    expect(first).toBeTypeOf('number')
    await api.get('/api/me')
    expect(await used()).toBe(first)
    await broker.database.query(`update api_tokens set last_used_at = now() - interval '61 seconds' where id = $1`, [tokenId])
    await Promise.all(Array.from({ length: 10 }, () => api.get('/api/me')))
    expect(await used()).toBeGreaterThanOrEqual(first!)
  })

  it('gives no scope its maker’s own token lacks', async () => {
    const { api } = await person(['member'], ['read', 'request', 'manage'])
    expect(await api.post('/api/tokens', { name: 'more', scopes: ['read', 'approve'], expiresInSeconds: HOUR })).toMatchObject({
      status: 403,
      body: { code: 'auth.forbidden', field: 'scopes' },
    })
  })

  it('for somebody else is made by an admin and nobody else', async () => {
    const wish = { name: 'for you', scopes: ['read'], expiresInSeconds: HOUR }
    const member = await person()
    const approver = await person(['approver'])
    expect(await member.api.post('/api/tokens', { ...wish, userId: approver.id })).toMatchObject({
      status: 403,
      body: { field: 'userId' },
    })
    for (const { id } of [member, approver]) {
      expect(await broker.admin.post('/api/tokens', { ...wish, userId: id })).toMatchObject({ status: 201, body: { userId: id } })
    }
    expect(await broker.admin.post('/api/tokens', { ...wish, userId: NOBODY })).toMatchObject({
      status: 404,
      body: { field: 'userId' },
    })
    await broker.admin.patch(`/api/users/${member.id}`, { state: 'disabled' })
    expect(await broker.admin.post('/api/tokens', { ...wish, userId: member.id })).toMatchObject({ status: 404 })
  })

  it('of somebody else is not there, except for an admin', async () => {
    const [one, other] = [await person(), await person()]
    expect(await other.api.delete(`/api/tokens/${one.tokenId}`)).toMatchObject({ status: 404 })
    expect(await other.api.get(`/api/tokens?userId=${one.id}`)).toMatchObject({ status: 403 })
    expect((await broker.admin.get(`/api/tokens?userId=${one.id}`)).body.items).toMatchObject([{ id: one.tokenId }])
    for (const act of [broker.admin.delete(`/api/tokens/${one.tokenId}`), broker.admin.delete(`/api/tokens/${one.tokenId}`)]) {
      expect((await act).status).toBe(204)
    }
    expect((await one.api.get('/api/me')).status).toBe(401)
    expect((await trailOf(one.tokenId)).map(({ kind }) => kind)).toEqual(['token.created', 'token.revoked'])
  })
})

describe('hostile input', () => {
  const STRINGS = {
    empty: '',
    blank: '   ',
    NUL: 'a\u0000b',
    'lone surrogate': '\ud800',
    'line break': 'a\nb',
    'escape sequence': '\u001b[31mred',
    'text that turns around': 'user\u202etxt',
    'zero width': 'ad\u200bmin',
    'too long': 'x'.repeat(101),
    number: -7,
    list: ['a'],
    object: { $gt: '' },
    null: null,
  }
  const token = { name: 'x', scopes: ['read'], expiresInSeconds: 60 }
  const FIELDS: [path: string, field: string, rest: object][] = [
    ['/api/users', 'name', {}],
    ['/api/groups', 'name', {}],
    ['/api/tokens', 'name', token],
    ['/api/tokens', 'userId', token],
    ['/api/users', 'roles', { name: 'x' }],
    ['/api/tokens', 'scopes', token],
    ['/api/tokens', 'expiresInSeconds', token],
  ]
  it.each(FIELDS)('is refused by %s in %s', async (path, field, rest) => {
    for (const [what, value] of Object.entries(STRINGS)) {
      const { status, body } = await broker.admin.post(path, { ...rest, [field]: value })
      expect({ what, status, code: body.code, field: body.field.split('.')[0] }).toEqual({
        what,
        status: 400,
        code: 'input.invalid',
        field,
      })
    }
  })

  it('is refused as an email address', async () => {
    for (const email of ['', 'a', 'a@b', 'a@b.c\u0000', 'a@b.c\nbcc: d@e.f', `${'x'.repeat(250)}@b.de`, 7]) {
      expect(await broker.admin.post('/api/users', { name: 'x', email })).toMatchObject({ status: 400, body: { field: 'email' } })
    }
  })

  it('is refused in a change, as is a change of nothing or of what cannot change', async () => {
    const { id } = await person()
    const changes = [
      {},
      { name: '' },
      { name: 'a\u0000' },
      { state: 'deleted' },
      { roles: ['root'] },
      { id: NOBODY },
      { createdAt: 'now' },
    ]
    for (const change of changes) expect((await broker.admin.patch(`/api/users/${id}`, change)).status).toBe(400)
  })

  it('is only text where text may be anything', async () => {
    for (const name of [
      `Robert'); drop table users;--`,
      '<script>',
      '$(reboot)',
      '{{7*7}}',
      '../../etc',
      '👩🏽‍💻'.replaceAll('\u200d', ''),
      '\\',
      '"',
    ]) {
      const created = await broker.admin.post('/api/users', { name })
      expect(created, name).toMatchObject({ status: 201, body: { name } })
    }
  })
})
