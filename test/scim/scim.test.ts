import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { ENTERPRISE, GROUP, type ScimApi, scimOf, USER } from '../support/scim.ts'

let broker: Broker
let scim: ScimApi
beforeAll(async () => {
  broker = await startBroker()
  scim = await scimOf(broker)
})
afterAll(() => broker?.close())

let count = 0
const unique = (word: string) => `${word}-${++count}`
const rowOf = async (id: string) => (await broker.database.query('select * from users where id = $1', [id]))[0]!
const trailOf = (subject: string) =>
  broker.database.query<{ kind: string; actor: string; body: string }>(
    'select e.kind, e.actor, e.body from audit_events e join audit_chain c on c.event_id = e.id where e.subject = $1 order by c.seq',
    [subject],
  )

describe('a client of the standard', () => {
  it('learns what the server can do', async () => {
    const { body: abilities } = await scim.get('/ServiceProviderConfig')
    expect(abilities).toMatchObject({ patch: { supported: true }, filter: { supported: true }, bulk: { supported: false } })
    const { body: types } = await scim.get('/ResourceTypes')
    expect(types.Resources.map((type: { endpoint: string }) => type.endpoint)).toEqual(['/Users', '/Groups'])
    const { body: schema } = await scim.get(`/Schemas/${USER}`)
    expect(schema.attributes[0]).toMatchObject({ name: 'userName', required: true, uniqueness: 'server', caseExact: false })
  })

  it('is refused in its own words, whatever is wrong', async () => {
    const id = await scim.person(unique('kept'))
    const cases: [Promise<{ status: number; body: unknown }>, number, string?][] = [
      [scim.get('/Users/1'), 404],
      [scim.get('/Nothing'), 404],
      [scim.send('DELETE', '/Users'), 405],
      [scim.post('/Users', { schemas: [USER] }), 400, 'invalidValue'],
      [scim.post('/Users', undefined, { raw: '{"userName":', headers: { 'content-type': 'application/scim+json' } }), 400],
      [scim.post('/Users', undefined, { raw: 'x', headers: { 'content-type': 'text/plain' } }), 415],
      [scim.post('/Users', { userName: 'x'.repeat(300_000) }), 413],
      [scim.post('/Users', { userName: 'a\u0000b' }), 400, 'invalidValue'],
      [scim.find('Users', 'userName'), 400, 'invalidFilter'],
      [scim.find('Users', 'password eq "x"'), 400, 'invalidFilter'],
      [scim.find('Users', `${'('.repeat(11)}active eq true${')'.repeat(11)}`), 400, 'invalidFilter'],
      [scim.find('Users', `userName eq "${'x'.repeat(2000)}"`), 400, 'invalidFilter'],
      [scim.get('/Users?count=many'), 400, 'invalidValue'],
      [scim.patch(`/Users/${id}`, { op: 'replace', path: 'nothing', value: 1 }), 400, 'invalidPath'],
      [scim.patch(`/Users/${id}`, { op: 'replace', path: 'id', value: 'usr_1' }), 400, 'mutability'],
      [scim.patch(`/Users/${id}`, { op: 'remove' }), 400, 'noTarget'],
      [scim.patch(`/Users/${id}`, { op: 'remove', path: 'userName' }), 400, 'mutability'],
      [scim.patch(`/Users/${id}`, ...Array(1001).fill({ op: 'replace', path: 'title', value: 'x' })), 413],
      [scim.put(`/Users/${id}`, { userName: 'x', emails: [{ value: 'no address' }] }), 400, 'invalidValue'],
    ]
    for (const [number, [answer, status, scimType]] of cases.entries()) {
      const { body, ...rest } = await answer
      expect(rest.status, `${number}: ${JSON.stringify(body)}`).toBe(status)
      const error = { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status) }
      expect(body).toEqual({
        ...error,
        detail: expect.any(String),
        ...(scimType ? { scimType } : status === 400 ? { scimType: expect.any(String) } : {}),
      })
    }
  })

  it('searches with the query in the body: people, groups, or both as one list', async () => {
    const mark = unique('sought')
    const people = [await scim.person(`${mark} a`), await scim.person(`${mark} b`)]
    const group = await scim.group(`${mark} c`, people)
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:SearchRequest']
    const search = async (under: string, query: object) => scim.post(`${under}/.search`, { schemas, ...query })
    const ids = async (under: string, query: object) =>
      (await search(under, query)).body.Resources.map((one: { id: string }) => one.id)

    const byName = { filter: `userName sw "${mark}"`, attributes: ['userName'] }
    const found = await search('/Users', byName)
    expect(found).toMatchObject({ status: 200, body: { totalResults: 2 } })
    expect(Object.keys(found.body.Resources[0]).toSorted()).toEqual(['id', 'schemas', 'userName'])
    expect(await ids('/Groups', { filter: `displayName sw "${mark}"` })).toEqual([group])
    expect(await ids('', byName), 'groups have no user names').toEqual(people)
    const all = { filter: `id eq "${people[0]}" or id eq "${people[1]}" or id eq "${group}"` }
    expect(await ids('', all)).toEqual([...people, group])
    expect(await ids('', { ...all, startIndex: 2, count: 2 })).toEqual([people[1], group])
    expect((await search('', { ...all, startIndex: 3, count: 5 })).body).toMatchObject({ totalResults: 3, startIndex: 3 })
    expect(await ids('', { ...all, startIndex: 3 })).toEqual([group])
    for (const under of ['/Users', '/Groups', '']) {
      expect(await search(under, { filter: 'shoeSize eq 43' })).toMatchObject({
        status: 400,
        body: { scimType: 'invalidFilter' },
      })
      expect((await scim.post(`${under}/.search`, {})).status).toBe(400)
    }
  })

  it('finds people by filters, page by page, and sees what it asks for', async () => {
    const mark = unique('mark')
    const ids: string[] = []
    for (const [name, title] of [
      ['Ada "A"', 'Engineer'],
      ['Bob', 'Engineer'],
      ['Cy', undefined],
    ] as const) {
      const emails = [{ value: `${mark}.${name[0]}@example.test`, type: name === 'Bob' ? 'home' : 'work', primary: true }]
      ids.push(
        await scim.person(`${mark}.${name[0]}`, {
          displayName: name,
          title,
          emails,
          userType: mark,
          [ENTERPRISE]: { department: 'R&D' },
        }),
      )
    }
    const found = async (filter: string, more = '') => {
      const { body } = await scim.find('Users', `userType eq "${mark}" and (${filter})`, more)
      return body.Resources?.map((user: { displayName: string }) => user.displayName[0]).join('')
    }
    expect(await found(`userName eq "${mark.toUpperCase()}.a"`)).toBe('A')
    expect(await found('displayName eq "ada \\"a\\""')).toBe('A')
    expect(await found('title pr')).toBe('AB')
    expect(await found('not (title eq "engineer" and displayName sw "B")')).toBe('AC')
    expect(await found('emails[type eq "work" and value co "@example"]')).toBe('AC')
    expect(await found('emails.type eq "home" or displayName eq "Cy"')).toBe('BC')
    expect(await found(`${ENTERPRISE}:department eq "r&d" and active eq "True"`)).toBe('ABC')
    expect(await found(`meta.created gt "2020-01-01T00:00:00Z" and id gt "${ids[0]}"`)).toBe('BC')
    expect(await found('meta.created lt "0000-01-01T00:00:00Z" or title eq null')).toBe('C')
    expect(await found('displayName ne "Bob"', '&startIndex=2&count=1')).toBe('C')
    const { body: page } = await scim.find('Users', `userType eq "${mark}"`, '&count=0')
    expect(page).toMatchObject({ totalResults: 3, itemsPerPage: 0, Resources: [] })
    const { body: few } = await scim.get(`/Users/${ids[0]}?attributes=userName,emails.value,${ENTERPRISE}:department`)
    expect(few).toEqual({
      schemas: [USER, ENTERPRISE],
      id: ids[0],
      userName: `${mark}.A`,
      emails: [{ value: `${mark}.A@example.test` }],
      [ENTERPRISE]: { department: 'R&D' },
    })
    const { body: less } = await scim.get(`/Users/${ids[0]}?excludedAttributes=emails,meta,id`)
    expect(Object.keys(less).toSorted()).toEqual(
      ['active', 'displayName', 'id', 'schemas', ENTERPRISE, 'userName', 'userType', 'title'].toSorted(),
    )
  })
})

describe('what comes from outside', () => {
  it('is never an id of ours, though it looks like one', async () => {
    const me = await broker.admin.must(broker.admin.get('/api/me'))
    const victim = await scim.person(unique('victim'))
    const before = [await rowOf(me.id), await rowOf(victim)]
    for (const outside of ['1', '7f1f0f0e-9d7b-4f4e-9a37-0d3c6f1f0a11', victim, me.id]) {
      const { status, body } = await scim.post('/Users', {
        schemas: [USER],
        id: outside,
        externalId: outside,
        userName: unique('outsider'),
        roles: [{ value: 'admin' }],
      })
      expect(status).toBe(201)
      expect(body.id).toMatch(/^usr_/)
      expect(body).toMatchObject({ externalId: outside, meta: { location: `/scim/v2/Users/${body.id}` } })
      expect([victim, me.id]).not.toContain(body.id)
      expect((await rowOf(body.id))['roles']).toEqual(['member'])
      if (!outside.startsWith('usr_')) expect((await scim.get(`/Users/${outside}`)).status).toBe(404)
      expect(
        (await scim.find('Users', `externalId eq "${outside}"`)).body.Resources.map((one: { id: string }) => one.id),
      ).toEqual([body.id])
    }
    // A local person is not there for SCIM, and an externalId is not a member.
    expect((await scim.get(`/Users/${me.id}`)).status).toBe(404)
    expect((await scim.patch(`/Users/${me.id}`, { op: 'replace', path: 'active', value: false })).status).toBe(404)
    const group = { schemas: [GROUP], displayName: unique('group'), members: [{ value: me.id }] }
    expect((await scim.post('/Groups', group)).body).toMatchObject({ status: '400', scimType: 'invalidValue' })
    expect([await rowOf(me.id), await rowOf(victim)]).toEqual(before)
  })

  it('is taken once: names in any case, externalIds to the letter', async () => {
    const userName = unique('Twin')
    await scim.person(userName, { externalId: userName })
    for (const rest of [{ userName: userName.toUpperCase() }, { userName: unique('other'), externalId: userName }]) {
      expect((await scim.post('/Users', { schemas: [USER], ...rest })).body).toMatchObject({
        status: '409',
        scimType: 'uniqueness',
      })
    }
    await scim.person(unique('other'), { externalId: userName.toLowerCase() })
    const group = unique('Group')
    await scim.group(group)
    expect((await scim.post('/Groups', { displayName: group.toLowerCase() })).body).toMatchObject({ scimType: 'uniqueness' })
  })
})

describe('a person of SCIM', () => {
  it('leaves with everything when removed, and a namesake who comes later has nothing of the former person', async () => {
    const { admin } = broker
    const userName = unique('leaver')
    const id = await scim.person(userName, { externalId: `ext-${userName}` })
    const group = await scim.group(unique('team'), [id])
    await admin.must(admin.patch(`/api/users/${id}`, { roles: ['owner', 'member'] }))
    await broker.database.query(`insert into identities (issuer, subject, user_id) values ('https://idp', $1, $2)`, [
      userName,
      id,
    ])
    const { token } = await ownToken(broker.database, id, ['read'])
    expect((await broker.api(token).get('/api/me')).status).toBe(200)

    expect((await scim.delete(`/Users/${id}`)).status).toBe(204)
    expect((await scim.delete(`/Users/${id}`)).status).toBe(404)
    expect((await broker.api(token).get('/api/me')).status).toBe(401)
    expect(await rowOf(id)).toMatchObject({ state: 'disabled', user_name: null, external_id: null })
    const kinds = (await trailOf(id)).filter(({ actor }) => actor.startsWith('scim:')).map(({ kind }) => kind)
    expect(kinds).toEqual(['user.created', 'user.removed'])
    expect((await admin.patch(`/api/users/${id}`, { state: 'active' })).status).toBe(409)

    const again = await scim.person(userName, { externalId: `ext-${userName}` })
    expect(again).not.toBe(id)
    expect(await rowOf(again)).toMatchObject({ state: 'active', roles: ['member'] })
    expect((await scim.get(`/Groups/${group}`)).body.members).toEqual([])
    expect((await scim.get(`/Users/${again}`)).body).not.toHaveProperty('groups')
    // The person who signs in under the recycled subject is not the old person.
    expect(await broker.database.query('select 1 from identities where user_id = $1', [id])).toEqual([])
  })

  it('has their manager by id or externalId, the first that is found', async () => {
    const boss = unique('boss')
    const report = await scim.person(unique('report'), { [ENTERPRISE]: { manager: { value: boss } } })
    expect(await rowOf(report)).toMatchObject({ manager_id: null })
    const bossId = await scim.person(unique('b'), { externalId: boss, displayName: 'The Boss' })
    expect(await rowOf(report)).toMatchObject({ manager_id: bossId })
    expect((await scim.get(`/Users/${report}`)).body[ENTERPRISE].manager).toEqual({
      value: bossId,
      $ref: `/scim/v2/Users/${bossId}`,
      displayName: 'The Boss',
    })
    expect((await scim.find('Users', `id eq "${report}" and manager eq "${bossId}"`)).body.totalResults).toBe(1)
    await scim.patch(`/Users/${report}`, { op: 'Remove', path: `${ENTERPRISE}:manager` })
    expect(await rowOf(report)).toMatchObject({ manager_id: null })
    await scim.patch(`/Users/${report}`, { op: 'Add', path: `${ENTERPRISE}:manager`, value: bossId })
    expect(await rowOf(report)).toMatchObject({ manager_id: bossId })
    await scim.delete(`/Users/${bossId}`)
    expect(await rowOf(report)).toMatchObject({ manager_id: null })
  })

  it('is described by SCIM alone; here they get roles and can be shut out', async () => {
    const { admin } = broker
    const id = await scim.person(unique('managed'), { displayName: 'Man Aged', title: 'Smith' })
    expect((await admin.patch(`/api/users/${id}`, { name: 'Other' })).body).toMatchObject({ code: 'conflict', field: 'name' })
    expect((await admin.patch(`/api/users/${id}`, { email: 'a@b.test' })).status).toBe(409)
    expect((await admin.patch(`/api/users/${id}`, { roles: ['approver'], state: 'disabled' })).status).toBe(200)
    await scim.put(`/Users/${id}`, { userName: unique('managed'), active: true })
    expect(await rowOf(id)).toMatchObject({ state: 'disabled', roles: ['approver'], attributes: {} })
    expect((await scim.get(`/Users/${id}`)).body.active).toBe(false)
    expect((await admin.patch(`/api/users/${id}`, { state: 'active' })).status).toBe(200)
    await scim.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false })
    expect((await admin.patch(`/api/users/${id}`, { state: 'active' })).body).toMatchObject({ code: 'conflict', field: 'state' })
  })

  it('stays while they are the last admin who can get in, on every road there is', async () => {
    const { admin } = broker
    const id = await scim.person(unique('boss'))
    const team = await scim.group(unique('admins'), [id])
    await admin.must(admin.put(`/api/role-groups/admin/${team}`))
    await ownToken(broker.database, id, ['read', 'manage'])
    const off = { op: 'replace', path: 'active', value: false }
    const others = await broker.database.query<{ id: string }>(
      `update api_tokens set revoked_at = now() where user_id <> $1 and revoked_at is null returning id`,
      [id],
    )
    for (const answer of [
      () => scim.patch(`/Users/${id}`, off),
      () => scim.delete(`/Users/${id}`),
      () => scim.patch(`/Groups/${team}`, { op: 'remove', path: `members[value eq "${id}"]` }),
      () => scim.delete(`/Groups/${team}`),
    ]) {
      expect((await answer()).status).toBe(409)
    }
    await broker.database.query('update api_tokens set revoked_at = null where id = any($1)', [others.map((one) => one.id)])
    const refused = [...(await trailOf(id)), ...(await trailOf(team))].filter(({ kind }) => kind === 'scim.refused')
    expect(refused.map(({ actor, body }) => [actor.split('_')[0], JSON.parse(body)])).toEqual(
      Array(4).fill(['scim:sct', { reason: 'last_admin' }]),
    )
    expect(await rowOf(id)).toMatchObject({ state: 'active' })
    // The admin of this broker can get in again.
    expect((await scim.patch(`/Users/${id}`, off)).status).toBe(200)
  })
})
