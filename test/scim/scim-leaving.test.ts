import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../support/broker.ts'
import { ENTERPRISE, GROUP, type ScimApi, scimOf, USER } from '../support/scim.ts'

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const BADGE = 'urn:ietf:params:scim:schemas:extension:corp:2.0:User:badge'

let broker: Broker
let scim: ScimApi
beforeAll(async () => {
  broker = await startBroker()
  scim = await scimOf(broker)
})
afterAll(() => broker?.close())

let count = 0
const next = () => {
  count += 1
  return count
}
const person = (rest: object = {}) => scim.person(`somebody ${next()}`, rest)
const isActive = async (id: string) => (await scim.get(`/Users/${id}`)).body.active
const refusalsOf = async (id: string) =>
  (await broker.admin.must(broker.admin.get(`/api/audit?subject=${id}&kind=scim.refused`))).items.map(
    ({ data }: { data: object }) => data,
  )

describe('who leaves, as a PATCH says among other things,', () => {
  const off = { op: 'Replace', path: 'active', value: 'False' }
  it.each([
    ['an attribute of an extension nobody here knows', [{ op: 'Replace', path: BADGE, value: '7' }, off]],
    ['a whole extension nobody here knows', [{ op: 'replace', value: { [BADGE.slice(0, -6)]: { badge: '7' }, active: false } }]],
    ['an address in another script', [{ op: 'Replace', path: 'emails[type eq "work"].value', value: 'müller@example.com' }, off]],
  ])('leaves, though there is %s', async (_what, operations) => {
    const id = await person({ emails: [{ type: 'work', value: 'a@b.test' }] })
    const { status, body } = await scim.patch(`/Users/${id}`, ...operations)
    expect({ status, active: body.active }).toEqual({ status: 200, active: false })
    expect(await refusalsOf(id)).toEqual([])
  })

  it.each([
    ['a path that is none', [{ op: 'replace', path: 'shoeSize', value: 43 }, off], undefined],
    ['an address that is none', [off, { op: 'add', path: 'emails', value: [{ value: 'nowhere' }] }], 'emails.0.value'],
    ['a removal of nothing', [{ op: 'remove' }, off], undefined],
    ['an addition of nothing', [{ op: 'add', path: 'title' }, off], undefined],
    ['a filter that cannot be read', [{ op: 'replace', path: 'emails[type eq].value', value: 'a@b.test' }, off], undefined],
    ['a value of the wrong kind', [{ op: 'replace', value: { displayName: ['a'], [`${USER}:active`]: 'false' } }], 'displayName'],
    ['what is not theirs to change', [{ op: 'replace', path: 'id', value: 'x' }, off], undefined],
  ])('leaves, though there is %s: that is noted, and the rest is not done', async (_what, operations, field) => {
    const id = await person({ title: 'Baker' })
    const { status, body } = await scim.patch(`/Users/${id}`, ...(operations as object[]), {
      op: 'replace',
      path: 'title',
      value: 'Brewer',
    })
    expect({ status, active: body.active, title: body.title }).toEqual({ status: 200, active: false, title: 'Baker' })
    expect(await refusalsOf(id)).toEqual([
      { reason: 'deactivated_all_the_same', message: expect.any(String), ...(field !== undefined && { field }) },
    ])
  })

  it('leaves, though the name beside it belongs to somebody else, and when a PUT says so', async () => {
    await scim.person('taken')
    const [one, two] = [await person(), await person()]
    expect((await scim.patch(`/Users/${one}`, off, { op: 'replace', path: 'userName', value: 'Taken' })).status).toBe(200)
    expect((await scim.put(`/Users/${two}`, { userName: 'two', emails: [{ value: 'nowhere' }], active: false })).status).toBe(200)
    expect([await isActive(one), await isActive(two)]).toEqual([false, false])
  })

  it('stays, when the last word on it is another one or there is none', async () => {
    const id = await person()
    const odd = { op: 'replace', path: 'shoeSize', value: 43 }
    expect((await scim.patch(`/Users/${id}`, off, odd, { ...off, value: 'True' })).status).toBe(400)
    expect((await scim.patch(`/Users/${id}`, odd)).status).toBe(400)
    expect(await isActive(id)).toBe(true)
  })
})

describe('the names of a PATCH', () => {
  it.each(['Operations', 'operations', 'OPERATIONS'])('are told apart without regard to case: %s', async (operations) => {
    const id = await person()
    const body = { Schemas: [PATCH.toUpperCase()], [operations]: [{ Op: 'Replace', Path: 'Active', Value: false }] }
    expect((await scim.send('PATCH', `/Users/${id}`, body)).body).toMatchObject({ active: false })
  })

  it('mean one thing: given twice in two cases they are refused', async () => {
    const id = await person()
    const one = { op: 'replace', path: 'active', value: false }
    for (const body of [
      { schemas: [PATCH], Operations: [one], operations: [{ ...one, value: true }] },
      { schemas: [PATCH], Operations: [{ ...one, Value: true }] },
    ]) {
      expect((await scim.send('PATCH', `/Users/${id}`, body)).status).toBe(400)
    }
    expect(await isActive(id)).toBe(true)
  })
})

it.each([
  'müller@example.com',
  'x@exämple.com',
  'a&b@example.com',
  'a/b@example.com',
  'пошта@приклад.укр',
  "o'neil+x@a-b.example.com",
])('brings somebody whose address is %s', async (value) => {
  const id = await person({ emails: [{ value, primary: true }] })
  expect((await scim.get(`/Users/${id}`)).body.emails).toEqual([{ value, primary: true }])
  expect((await broker.admin.get(`/api/users/${id}`)).body.email).toBe(value)
})

it.each([
  'nowhere',
  'a@b',
  'a b@example.com',
  '<a@example.com>',
  'a@example.com, b@example.com',
  'a@example.com\r\nBcc: b@c.test',
  '"a"@b.test',
  'a@10.0.0.1',
  '.a@example.com',
  'a..b@example.com',
  'a@-b.example',
  'a\u202eb@example.com',
])('brings nobody whose address is %j', async (value) => {
  expect((await scim.post('/Users', { userName: `x ${next()}`, emails: [{ value }] })).status).toBe(400)
})

describe('the bare name of a schema', () => {
  it('is the path of everything in it', async () => {
    const id = await person({ [ENTERPRISE]: { department: 'Research', division: 'North' } })
    const company = async () => (await scim.get(`/Users/${id}`)).body[ENTERPRISE]
    await scim.patch(`/Users/${id}`, { op: 'replace', path: ENTERPRISE, value: { department: 'Sales' } })
    expect(await company()).toEqual({ department: 'Sales', division: 'North' })
    await scim.patch(`/Users/${id}`, { op: 'add', path: ENTERPRISE.toLowerCase(), value: { costCenter: '7' } })
    expect(await company()).toEqual({ department: 'Sales', division: 'North', costCenter: '7' })
    await scim.patch(`/Users/${id}`, { op: 'add', path: USER, value: { title: 'Baker' } })
    expect((await scim.get(`/Users/${id}`)).body.title).toBe('Baker')
    await scim.patch(`/Users/${id}`, { op: 'remove', path: ENTERPRISE })
    expect(await company()).toBeUndefined()
    const group = await scim.group('of one name')
    await scim.patch(`/Groups/${group}`, { op: 'replace', path: GROUP, value: { displayName: 'of another' } })
    expect((await scim.get(`/Groups/${group}`)).body.displayName).toBe('of another')
  })

  it('leaves what a person must have: it cannot be removed', async () => {
    const id = await person()
    for (const path of ['active', 'userName', `${USER}:userName`]) {
      const refused = await scim.patch(`/Users/${id}`, { op: 'remove', path })
      expect(refused, path).toMatchObject({ status: 400, body: { scimType: 'mutability' } })
    }
    const group = await scim.group('of a name')
    const refused = await scim.patch(`/Groups/${group}`, { op: 'remove', path: 'displayName' })
    expect(refused).toMatchObject({ status: 400, body: { scimType: 'mutability' } })
  })
})
