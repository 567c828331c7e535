import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ENTERPRISE, type ScimApi, scimOf } from '../support/scim.ts'

const SEED = Number(process.env['SCIM_SEED'] ?? 20_260_417)

let broker: Broker
let scim: ScimApi
let mine: string
let myGroup: string
let bystander: string
let adminId: string

beforeAll(async () => {
  broker = await startBroker()
  scim = await scimOf(broker)
  adminId = (await broker.admin.must(broker.admin.get('/api/me'))).id
  mine = await scim.person('mine', { externalId: 'mine', emails: [{ value: 'mine@example.test', type: 'work' }] })
  bystander = await scim.person('bystander', { externalId: adminId, title: 'Rock', [ENTERPRISE]: { department: 'Cellar' } })
  myGroup = await scim.group('my group', [mine])
  await scim.group('their group', [bystander])
})
afterAll(() => broker?.close())

const one = <T>(...values: T[]) => fc.constantFrom(...values)
const odd = fc.oneof(
  one<unknown>(
    null,
    true,
    0,
    -1,
    '',
    'True',
    'x',
    [],
    {},
    [[]],
    [null],
    '__proto__',
    'a\u0000b',
    '\ud800',
    "'; drop table users; --",
  ),
  fc.string({ maxLength: 20, unit: 'binary' }),
  fc.jsonValue({ maxDepth: 3 }),
)
const words = (text: string) => one(...text.trim().split(/\s+/))
const attribute = words(`
  userName externalId id active displayName name name.givenName emails emails.value emails.primary members members.value meta
  meta.created schemas groups title roles password manager department __proto__ constructor a.b.c $ref .value
  ${ENTERPRISE} ${ENTERPRISE}:department ${ENTERPRISE}:manager.value`)
const literal = fc.oneof(
  words(String.raw`"x" "mine" true false null 1 -1.5 1e9 "\u0000" "\ud800" "%_\\" " x $1 '' "2020-01-01T00:00:00Z" "2020-02-31T00:00:00Z"
    "9999999-01-01T00:00:00Z" "0000-01-01T00:00:00Z" "2020-01-01T00:00:00+23:59"`),
  fc.string({ maxLength: 10, unit: 'binary' }).map((text) => JSON.stringify(text)),
)
const operator = one('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le', 'pr', 'EQ', 'xx', 'in')
const { filter } = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc
      .tuple(
        words('userName displayName externalId id title emails.value userName members groups'),
        operator,
        words('"x" "mine" "a"'),
      )
      .map((parts) => parts.join(' '))
      .map((text) => text.replace(/ pr .*/, ' pr')),
    fc.tuple(attribute, operator, literal).map(([path, op, value]) => (op === 'pr' ? `${path} pr` : `${path} ${op} ${value}`)),
    fc.tuple(tie('filter'), one('and', 'or', 'AND', 'xor'), tie('filter')).map((parts) => parts.join(' ')),
    tie('filter').map((inner) => `(${inner})`),
    tie('filter').map((inner) => `not (${inner})`),
    fc.tuple(one('emails', 'members', 'groups', 'userName'), tie('filter')).map(([path, inner]) => `${path}[${inner}]`),
  ),
}))
const mangled = fc
  .tuple(filter, fc.nat(200), fc.string({ maxLength: 3, unit: 'binary' }))
  .map(([text, at, extra]) => text.slice(0, at) + extra + text.slice(at + extra.length))
const path = fc.oneof(
  attribute,
  fc
    .tuple(one('emails', 'members', 'name'), filter, one('', '.value', '.type', '.display', '.x'))
    .map(([name, inner, sub]) => `${name}[${inner}]${sub}`),
  mangled,
)

/** Values of the right shape, naming people who have nothing to do with it. */
const shaped = () =>
  fc.oneof(
    odd,
    one<unknown>('False', 'new name', bystander, adminId, 'bystander', 'mine', 'a@b.test', '2020-01-01T00:00:00Z'),
    fc.array(
      fc.record({ value: one<unknown>(bystander, mine, adminId, 'a@b.test', 1), type: one('work', 'x'), primary: fc.boolean() }),
      { maxLength: 3 },
    ),
    fc.dictionary(attribute, odd, { maxKeys: 4 }),
    fc.record({
      id: one(adminId, bystander),
      externalId: one(adminId, '1'),
      userName: one('mine', 'bystander', 'else'),
      roles: one(['admin']),
    }),
  )
const op = one<unknown>('add', 'Add', 'replace', 'Replace', 'remove', 'REMOVE')
const wild = () =>
  fc.record({ op: fc.oneof(op, odd), path: fc.oneof(path, path, odd), value: shaped() }, { requiredKeys: ['op'] })
const fitting = (paths: string, ...values: unknown[]) => fc.record({ op, path: words(paths), value: one(...values) })
/** What a client with a right to it might send, in an order and a mixture that none would. */
const sane = () =>
  fc.oneof(
    fitting('title displayName userType externalId name.familyName userName', adminId, 'some name', 1, '1', bystander),
    fitting(`${ENTERPRISE}:department ${ENTERPRISE}:manager ${ENTERPRISE}:manager.value`, adminId, bystander, mine, 'mine'),
    fitting('emails', { value: 'a@b.test', type: 'work', primary: true }, [{ value: 'c@d.test' }], []),
    fitting('active emails.primary', true, 'False', 'True'),
    fitting('members', [{ value: bystander }], [{ value: mine }, { value: bystander }], [], { value: mine }),
    fc.record({
      op: one('remove'),
      path: one(`members[value eq "${mine}"]`, 'members', 'members[display sw "m" or not (value pr)]'),
    }),
    fc.record({
      op,
      value: one<unknown>({ id: adminId, displayName: 'renamed' }, { externalId: bystander }, { name: { givenName: 'G' } }),
    }),
  )
const operations = () =>
  fc.oneof(
    { weight: 3, arbitrary: fc.array(sane(), { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(wild(), { minLength: 1, maxLength: 4 }) },
  )

async function untouched(): Promise<unknown> {
  const { query } = broker.database
  return {
    people: await query('select * from users where id <> $1 order by id', [mine]),
    mine: await query('select id, roles, source, created_at from users where id = $1', [mine]),
    memberships: await query('select * from group_members where group_id <> $1 order by 1, 2', [myGroup]),
    groups: await query('select * from groups where id <> $1 order by id', [myGroup]),
    tokens: await query('select id, revoked_at from api_tokens where user_id <> $1 order by id', [mine]),
    strangers: await query(
      `select 1 from group_members m join users u on u.id = m.user_id where m.group_id = $1 and u.source <> 'scim'`,
      [myGroup],
    ),
  }
}

/** Sends all, a few at once, and answers what was wrong with any of the answers. Both kinds of answers must have come. */
async function complaints<T>(cases: readonly T[], send: (one: T) => Promise<Answer>): Promise<string[]> {
  const found: string[] = []
  const waiting = [...cases]
  const came = [0, 0, 0, 0, 0]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { status, headers, body, text } = await send(next)
      came[Math.floor(status / 100) - 1]! += 1
      const isFine =
        status === 204 ||
        (status < 300 && String(headers['content-type']).startsWith('application/scim+json')) ||
        (status >= 400 && status < 500 && body?.schemas?.[0]?.endsWith(':Error') && body.status === String(status))
      if (!isFine || /\n +at |node_modules|select |postgres/i.test(status >= 400 ? text : '')) {
        found.push(`${JSON.stringify(next)}: ${status} ${text.slice(0, 200)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, work))
  const [, served = 0, , refused = 0] = came
  expect(served, `of ${cases.length} these were served`).toBeGreaterThan(cases.length / 10)
  expect(refused, `of ${cases.length} these were refused`).toBeGreaterThan(cases.length / 10)
  return found
}

describe(`with seed ${SEED}, whatever a client sends`, () => {
  it('as a filter: it is served or refused, and changes nothing', async () => {
    const before = await untouched()
    const filters = fc.sample(fc.oneof(filter, filter, mangled), { numRuns: 1200, seed: SEED })
    const isUser = (text: string) => text.length % 2 === 0
    expect(await complaints(filters, (text) => scim.find(isUser(text) ? 'Users' : 'Groups', text.toWellFormed()))).toEqual([])
    expect(await untouched()).toEqual(before)
  }, 240_000)

  it('as a PATCH: nobody else is changed, nobody gets a role, and no id comes from outside', async () => {
    const before = await untouched()
    const patches = fc.sample(fc.tuple(fc.boolean(), operations()), {
      numRuns: 1000,
      seed: SEED,
    })
    expect(
      await complaints(patches, ([isUser, sent]) => scim.patch(isUser ? `/Users/${mine}` : `/Groups/${myGroup}`, ...sent)),
    ).toEqual([])
    expect(await untouched()).toEqual(before)
  }, 240_000)

  it('as a person: every one that is made has an id of ours and no role but member', async () => {
    const before = await broker.database.query('select * from users where id = any($1) order by id', [[adminId, bystander]])
    const bodies = fc.sample(
      fc.record({ userName: fc.oneof(one<unknown>('mine', 'BYSTANDER'), fc.string(), odd), extra: shaped() }),
      {
        numRuns: 300,
        seed: SEED,
      },
    )
    const flawed = await complaints(bodies, ({ userName, extra }) =>
      scim.post(
        '/Users',
        typeof extra === 'object' && extra !== null && !Array.isArray(extra)
          ? { ...extra, userName }
          : { userName, title: extra },
      ),
    )
    expect(flawed).toEqual([])
    const made = await broker.database.query<{ id: string; roles: string[] }>(
      `select id, roles from users where source = 'scim' and not id = any($1)`,
      [[mine, bystander]],
    )
    expect(made.length).toBeGreaterThan(20)
    for (const { id, roles } of made) {
      expect(id).toMatch(/^usr_[0-7][0-9a-z]{25}$/)
      expect(roles).toEqual(['member'])
    }
    const kept = await broker.database.query('select * from users where id = any($1) order by id', [[adminId, bystander]])
    expect(kept).toEqual(before)
  }, 240_000)
})

describe(`with seed ${SEED}, a filter`, () => {
  it('finds exactly those it describes', async () => {
    const titles = ['alpha', 'Beta', 'al"pha', '100%', undefined]
    const people = titles.flatMap((title, i) =>
      [true, false].map((active) => ({ userName: `p${i}${active}`, title, active, userType: 'oracle' })),
    )
    for (const { userName, ...rest } of people) await scim.person(userName, rest)
    type Person = (typeof people)[number]
    type Test = { readonly text: string; readonly holds: (person: Person) => boolean }
    const value = one('alpha', 'ALPHA', 'bet', '"', '%', 'a')
    const lower = (text: string | undefined) => text?.toLowerCase()
    const { test } = fc.letrec<{ test: Test }>((tie) => ({
      test: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        value.map((v) => ({ text: `title eq ${JSON.stringify(v)}`, holds: (p: Person) => lower(p.title) === lower(v) })),
        value.map((v) => ({ text: `title ne ${JSON.stringify(v)}`, holds: (p: Person) => lower(p.title) !== lower(v) })),
        value.map((v) => ({
          text: `title co ${JSON.stringify(v)}`,
          holds: (p: Person) => lower(p.title)?.includes(v.toLowerCase()) ?? false,
        })),
        value.map((v) => ({
          text: `title sw ${JSON.stringify(v)}`,
          holds: (p: Person) => lower(p.title)?.startsWith(v.toLowerCase()) ?? false,
        })),
        value.map((v) => ({
          text: `title ew ${JSON.stringify(v)}`,
          holds: (p: Person) => lower(p.title)?.endsWith(v.toLowerCase()) ?? false,
        })),
        fc.constant<Test>({ text: 'title pr', holds: (p: Person) => p.title !== undefined }),
        fc.boolean().map((v) => ({ text: `active eq ${v}`, holds: (p: Person) => p.active === v })),
        fc
          .tuple(tie('test'), tie('test'))
          .map(([a, b]): Test => ({ text: `(${a.text} and ${b.text})`, holds: (p: Person) => a.holds(p) && b.holds(p) })),
        fc
          .tuple(tie('test'), tie('test'))
          .map(([a, b]): Test => ({ text: `(${a.text} or ${b.text})`, holds: (p: Person) => a.holds(p) || b.holds(p) })),
        tie('test').map((a): Test => ({ text: `not (${a.text})`, holds: (p: Person) => !a.holds(p) })),
      ),
    }))
    for (const { text, holds } of fc.sample(test, { numRuns: 150, seed: SEED })) {
      const { body } = await scim.find('Users', `userType eq "oracle" and (${text})`, '&attributes=userName')
      expect(
        body.Resources.map((found: { userName: string }) => found.userName),
        text,
      ).toEqual(people.filter(holds).map(({ userName }) => userName))
    }
  }, 120_000)
})
