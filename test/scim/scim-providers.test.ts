import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { ENTERPRISE, GROUP, type ScimApi, scimOf, USER } from '../support/scim.ts'

let broker: Broker
let scim: ScimApi
beforeAll(async () => {
  broker = await startBroker()
  scim = await scimOf(broker)
})
afterAll(() => broker?.close())

const stateOf = async (id: string) => {
  const [row] = await broker.database.query('select name, email, state, attributes, user_name from users where id = $1', [id])
  return row
}
const membersOf = async (id: string): Promise<string[]> =>
  (await scim.get(`/Groups/${id}`)).body.members.map((member: { value: string }) => member.value).toSorted()

describe('Okta', () => {
  it('provisions, changes, deactivates, brings back and pushes groups', async () => {
    // It looks first, then makes, then reads back; whole resources are put.
    expect((await scim.find('Users', 'userName eq "ada@example.test"', '&startIndex=1&count=100')).body).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: 0,
      Resources: [],
    })
    const ada = {
      schemas: [USER],
      userName: 'ada@example.test',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [{ primary: true, value: 'ada@example.test', type: 'work' }],
      displayName: 'Ada Lovelace',
      locale: 'en-US',
      externalId: '00ujl29u0le5T6Aj10h7',
      groups: [],
      password: '1mz050nq',
      active: true,
    }
    const created = await scim.post('/Users', ada, { headers: { 'content-type': 'application/scim+json; charset=utf-8' } })
    expect(created).toMatchObject({ status: 201, headers: { location: `/scim/v2/Users/${created.body.id}` } })
    expect(created.text).not.toContain('1mz050nq')
    const { id, meta: _meta, ...read } = (await scim.get(`/Users/${created.body.id}`)).body
    const { locale: _locale, password: _password, groups: _groups, ...kept } = ada
    expect(read).toEqual(kept)

    const { body: put } = await scim.put(`/Users/${id}`, {
      ...read,
      id,
      name: { ...ada.name, familyName: 'King' },
      displayName: 'Ada King',
    })
    expect(put).toMatchObject({ id, name: { givenName: 'Ada', familyName: 'King' } })
    expect(await stateOf(id)).toMatchObject({ name: 'Ada King', email: 'ada@example.test', state: 'active' })

    expect((await scim.patch(`/Users/${id}`, { op: 'replace', value: { active: false } })).body).toMatchObject({ active: false })
    expect(await stateOf(id)).toMatchObject({ state: 'disabled' })
    expect((await scim.put(`/Users/${id}`, { ...put, active: true })).body).toMatchObject({ active: true })
    expect(await stateOf(id)).toMatchObject({ state: 'active' })

    const second = await scim.person('bob@example.test')
    const group = await scim.post('/Groups', { schemas: [GROUP], displayName: 'Crew', members: [{ value: id, display: 'Ada' }] })
    expect(group.status).toBe(201)
    const path = `/Groups/${group.body.id}`
    const renamed = await scim.patch(path, { op: 'replace', value: { id: group.body.id, displayName: 'Crew 2' } })
    expect({ status: renamed.status, text: renamed.text }).toEqual({ status: 204, text: '' })
    await scim.patch(path, { op: 'add', path: 'members', value: [{ value: second, display: 'Bob' }] })
    await scim.patch(path, { op: 'remove', path: `members[value eq "${id}"]` })
    expect(await membersOf(group.body.id)).toEqual([second])
    await scim.patch(
      path,
      { op: 'remove', path: 'members' },
      { op: 'replace', path: 'members', value: [{ value: id }, { value: second }] },
    )
    expect(await membersOf(group.body.id)).toEqual([String(id), second].toSorted())
    const { body } = await scim.put(path, { schemas: [GROUP], displayName: 'Crew 3', members: [] })
    expect(body).toMatchObject({ displayName: 'Crew 3', members: [] })
    expect((await scim.delete(path)).status).toBe(204)
    expect((await scim.get(path)).status).toBe(404)
  })
})

describe('Entra', () => {
  it('provisions with its own dialect of PATCH, and checks what it did by filters', async () => {
    expect((await scim.find('Users', 'externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"')).body.totalResults).toBe(0)
    const { body: user } = await scim.post('/Users', {
      schemas: [USER, ENTERPRISE],
      externalId: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef',
      userName: 'Test_User_ab6490ee',
      active: true,
      addresses: null,
      displayName: 'lennay',
      emails: [{ type: 'work', value: 'anna@example.test', primary: true }],
      meta: { resourceType: 'User' },
      name: { formatted: 'Adrienne M', familyName: 'M', givenName: 'Adrienne' },
      roles: [],
      title: null,
    })
    const path = `/Users/${user.id}`
    const { status, body } = await scim.patch(
      path,
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updated@example.test' },
      { op: 'Add', path: 'emails[type eq "home"].value', value: 'home@example.test' },
      { op: 'Replace', path: 'name.familyName', value: 'Updated' },
      { op: 'Add', path: 'title', value: 'Lead' },
      { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Sales' },
      { op: 'Replace', value: { 'name.givenName': 'Ann', [`${ENTERPRISE}:costCenter`]: '4711' } },
      { op: 'Replace', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555' },
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({
      title: 'Lead',
      name: { familyName: 'Updated', givenName: 'Ann' },
      emails: [
        { type: 'work', value: 'updated@example.test', primary: true },
        { type: 'home', value: 'home@example.test' },
      ],
      [ENTERPRISE]: { department: 'Sales', costCenter: '4711' },
    })
    expect(await stateOf(user.id)).toMatchObject({
      email: 'updated@example.test',
      attributes: { department: 'Sales', costCenter: '4711', title: 'Lead' },
    })
    await scim.patch(
      path,
      { op: 'Remove', path: 'emails[type eq "home"]' },
      { op: 'Replace', path: 'userName', value: 'renamed@example.test' },
    )
    expect(
      (await scim.find('Users', 'emails[type eq "work"].value eq "UPDATED@example.test"')).body.Resources[0].emails,
    ).toHaveLength(1)
    for (const [active, state] of [
      ['False', 'disabled'],
      ['True', 'active'],
    ]) {
      await scim.patch(path, { op: 'Replace', path: 'active', value: active })
      expect(await stateOf(user.id)).toMatchObject({ state, user_name: 'renamed@example.test' })
    }

    const { body: group } = await scim.post('/Groups', {
      schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
      displayName: 'displayName',
      meta: { resourceType: 'Group' },
    })
    const at = `/Groups/${group.id}`
    expect(
      (await scim.find('Groups', 'displayName eq "DISPLAYNAME"', '&excludedAttributes=members')).body.Resources[0],
    ).not.toHaveProperty('members')
    expect((await scim.patch(at, { op: 'Replace', path: 'displayName', value: 'Renamed' })).status).toBe(204)
    expect((await scim.patch(at, { op: 'Add', path: 'members', value: [{ $ref: null, value: user.id }] })).status).toBe(204)
    const isMember = async () => (await scim.find('Groups', `id eq "${group.id}" and members eq "${user.id}"`)).body.totalResults
    expect(await isMember()).toBe(1)
    expect((await scim.get(path)).body.groups).toEqual([
      { value: group.id, $ref: `/scim/v2/Groups/${group.id}`, display: 'Renamed' },
    ])
    await scim.patch(at, { op: 'Remove', path: 'members', value: [{ $ref: null, value: user.id }] })
    expect(await isMember()).toBe(0)
    expect((await scim.delete(path)).status).toBe(204)
    expect((await scim.delete(at)).status).toBe(204)
  })
})

describe('a change through SCIM', () => {
  it('is whole or not at all, and written down once', async () => {
    const id = await scim.person('whole@example.test', { title: 'Before' })
    const group = await scim.group('Whole', [id])
    const before = await broker.database.query('select count(*)::int as count from audit_events')
    const bad = await scim.patch(
      `/Users/${id}`,
      { op: 'replace', path: 'title', value: 'After' },
      { op: 'replace', path: 'emails', value: [{ value: 'not an address' }] },
    )
    expect(bad.status).toBe(400)
    const worse = await scim.patch(
      `/Groups/${group}`,
      { op: 'remove', path: 'members' },
      { op: 'add', path: 'members', value: [{ value: 'usr_00000000000000000000000000' }] },
    )
    expect(worse.status).toBe(400)
    expect((await scim.patch(`/Users/${id}`, { op: 'replace', path: 'title', value: 'Before' })).status).toBe(200)
    expect(await broker.database.query('select count(*)::int as count from audit_events')).toEqual(before)
    expect((await scim.get(`/Users/${id}`)).body.title).toBe('Before')
    expect(await membersOf(group)).toEqual([id])
  })

  it('loses no member when several change one group at once', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, (_, i) => scim.person(`crowd-${i}@example.test`)))
    const group = await scim.group('Crowd', people.slice(0, 6))
    await Promise.all(
      people.map((id, i) =>
        i < 6
          ? scim.patch(`/Groups/${group}`, { op: 'remove', path: `members[value eq "${id}"]` })
          : scim.patch(`/Groups/${group}`, { op: 'add', path: 'members', value: [{ value: id }] }),
      ),
    )
    expect(await membersOf(group)).toEqual(people.slice(6).toSorted())
  })
})
