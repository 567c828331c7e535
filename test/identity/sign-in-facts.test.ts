import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { jws } from '../support/forged-idp.ts'
import { type ForgedWorld, startForgedWorld } from '../support/forged-world.ts'
import { Jar, type Page } from '../support/jar.ts'

let world: ForgedWorld
beforeAll(async () => {
  world = await startForgedWorld()
})
afterAll(() => world?.close())

let count = 0
const somebody = () => `person-${++count}`

describe('an address', () => {
  it.each([true, 'true'])('is somebody’s when the provider says email_verified is %j', async (verified) => {
    const { page } = await world.signIn({ sub: somebody(), email: 'a@example.test', email_verified: verified })
    expect(page.body.email).toBe('a@example.test')
  })

  it.each([false, 'false', 'False', 'yes', 0, 1, null, [true], undefined])(
    'is nobody’s when the provider says email_verified is %j',
    async (verified) => {
      const { page } = await world.signIn({ sub: somebody(), email: 'boss@example.test', email_verified: verified })
      expect(page).toMatchObject({ status: 200, body: { email: null } })
    },
  )

  it('is taken away when the provider does not vouch for it any more', async () => {
    const sub = somebody()
    await world.signIn({ sub, email: 'b@example.test', email_verified: true })
    const { page } = await world.signIn({ sub, email: 'b@example.test', email_verified: false })
    expect(page.body.email).toBeNull()
  })

  it('is somebody’s without a word where every address of this provider is, and not against its word', async () => {
    const trusting = await startForgedWorld({ emailsVerified: true })
    const { signIn } = trusting
    expect((await signIn({ sub: 'x', email: 'x@example.test' })).page.body.email).toBe('x@example.test')
    for (const no of [false, 'false', 0]) {
      expect((await signIn({ sub: 'x', email: 'x@example.test', email_verified: no })).page.body.email).toBeNull()
    }
    await trusting.close()
  })
})

describe('the claim that finds SCIM’s person', () => {
  const right = {
    LATCHKEY_OIDC_ISSUER: 'https://idp.example.com/',
    LATCHKEY_OIDC_CLIENT_ID: 'x',
    LATCHKEY_OIDC_CLIENT_SECRET: 'x',
  }

  it.each(['email', 'Email', 'preferred_username', 'upn', 'name'])('is never %s, which people can choose', (claim) => {
    expect(() => readConfig({ ...right, LATCHKEY_OIDC_SCIM_CLAIM: claim })).toThrow(/LATCHKEY_OIDC_SCIM_CLAIM/)
  })

  it('may be one that stays with its person', () => {
    expect(readConfig({ ...right, LATCHKEY_OIDC_SCIM_CLAIM: 'oid' }).oidc?.scimClaim).toBe('oid')
  })
})

describe('a browser', () => {
  it('lands on a page that says who is signed in, and writes out what they are called', async () => {
    const { broker, idp } = world
    const jar = new Jar()
    expect((await jar.get(`${broker.url}/`)).text).toContain('Nobody is signed in')
    const asked = await jar.step(`${broker.url}/auth/login`)
    const question = new URL(asked.headers.get('location')!).searchParams
    const who = { name: '<b>Mallory</b>', preferred_username: 'mallory', email: 'm@example.test', email_verified: true }
    idp.userInfo = { sub: 'mallory' }
    idp.idToken = (right) => jws(idp.rsa, { typ: 'JWT' }, { ...right, sub: 'mallory', ...who })
    const answer = new URLSearchParams({ code: idp.code(question), state: question.get('state')!, iss: idp.issuer })
    const page = await jar.get(`${broker.url}/auth/callback?${answer}`)
    expect(page).toMatchObject({ status: 200, url: `${broker.url}/auth/signed-in` })
    expect(page.text).toContain('<strong>&#60;b&#62;Mallory&#60;/b&#62;</strong>, mallory, m@example.test')
    expect(page.headers.get('cache-control')).toBe('no-store')
  })
})

describe('what nobody mentions', () => {
  const details = async (id: string) => (await world.broker.admin.get(`/api/users/${id}`)).body
  const me = (jar: Jar) => jar.get(`${world.broker.url}/api/me`)
  const trail = async (kind: string, subject: string) =>
    (
      await world.broker.database.query<{ body: string }>(
        'select body from audit_events where kind = $1 and subject = $2 order by id',
        [kind, subject],
      )
    ).map(({ body }) => JSON.parse(body))
  const whole = { name: 'Cara', email: 'cara@example.test', email_verified: true, department: 'contractor', groups: ['staff'] }

  it('by an access token stays as it was: a leaner token describes nobody', async () => {
    const sub = somebody()
    const { page } = await world.signIn({ sub, ...whole, manager: 'ann' })
    const { id } = page.body
    const before = await details(id)
    expect(before).toMatchObject({
      name: 'Cara',
      email: 'cara@example.test',
      attributes: { department: 'contractor', manager: 'ann' },
    })
    const lean = { sub, name: undefined, iat: world.idp.now() + 2, groups: ['staff', 'more'] }
    expect((await world.bearer(lean).get('/api/me')).body.groups).toHaveLength(2)
    const other = {
      sub,
      name: 'Boss',
      email: 'boss@example.test',
      email_verified: true,
      department: 'board',
      iat: world.idp.now() + 3,
    }
    expect((await world.bearer(other).get('/api/me')).body).toMatchObject({ name: 'Cara', email: 'cara@example.test' })
    const { name, email, attributes, facts } = await details(id)
    expect({ name, email, attributes, facts }).toEqual({
      name: before.name,
      email: before.email,
      attributes: before.attributes,
      facts: before.facts,
    })
    expect(facts).toContainEqual({ fact: 'department', source: 'id_token', at: expect.any(String) })
  })

  it('in a whole sign-in has ended: address, attributes, and the manager who was named', async () => {
    const boss = (await world.signIn({ sub: somebody() })).page.body
    const bossSub = `person-${count}`
    const sub = somebody()
    const { id } = (await world.signIn({ sub, ...whole, manager: bossSub })).page.body
    expect(await details(id)).toMatchObject({ manager: { id: boss.id }, attributes: { manager: bossSub } })
    await world.signIn({ sub, name: undefined, groups: [] })
    expect(await details(id)).toMatchObject({ name: 'Cara', email: null, attributes: {}, manager: null })
    expect((await trail('user.described', id)).at(-1)).toMatchObject({
      changed: expect.arrayContaining(['email', 'department', 'manager']),
      occasion: 'sign_in',
    })
  })

  it('in userinfo, when somebody is confirmed, has ended if userinfo said it before, and stays if the ID token did', async () => {
    const sub = somebody()
    world.idp.userInfo = { sub, department: 'payments' }
    const { jar, page } = await world.signIn({ sub, name: 'Eve', manager: 'ann', groups: undefined })
    const { id } = page.body
    expect((await details(id)).attributes).toEqual({ department: 'payments', manager: 'ann' })
    world.idp.userInfo = { sub, groups: [] }
    await decide(jar, id)
    expect((await details(id)).attributes).toEqual({ manager: 'ann' })
  })

  it('about groups is not “none” when there are too many to tell, or the claim holds something else', async () => {
    for (const odd of [
      { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.invalid/' } } },
      { groups: undefined, hasgroups: true },
      { groups: undefined, hasgroups: 'true' },
      { groups: [{ name: 'staff' }] },
      { groups: { staff: { id: 1 } } },
      { groups: 7 },
    ]) {
      const sub = somebody()
      const first = (await world.signIn({ sub, groups: ['admins', 'approvers'] })).page.body
      expect(first.provider.groupsUntold).toBeNull()
      world.idp.userInfo = { sub }
      const { jar, page } = await world.signIn({ sub, ...odd })
      expect(page, JSON.stringify(odd)).toMatchObject({ status: 200, body: { id: first.id } })
      expect(page.body.groups.map(({ name }: { name: string }) => name)).toEqual(['admins', 'approvers'])
      expect(page.body.provider).toMatchObject({
        groupsToldAt: first.provider.groupsToldAt,
        groupsUntold: { why: expect.any(String) },
      })
      expect(await trail('group.not_told', first.id)).toEqual([{ why: page.body.provider.groupsUntold.why, occasion: 'sign_in' }])
      expect(await trail('group.member_removed', first.id)).toEqual([])
      // What they were decides nothing any more.
      world.idp.userInfo = { sub, ...odd }
      expect(await decide(jar, first.id)).toMatchObject({
        status: 403,
        body: { message: expect.stringContaining('does not say which groups') },
      })
    }
  })

  it('about groups by an access token gives it none of them, unless userinfo tells them', async () => {
    const { admin } = world.broker
    const sub = somebody()
    const { page } = await world.signIn({ sub, groups: ['bearer-admins'] })
    const [group] = page.body.groups
    await admin.put(`/api/role-groups/admin/${group.id}`)
    world.idp.userInfo = { sub }
    const silent = world.bearer({ sub, groups: undefined, iat: world.idp.now() + 1 })
    expect((await silent.get('/api/me')).body).toMatchObject({
      roles: ['member'],
      groups: [],
      provider: { groupsUntold: expect.anything() },
    })
    expect((await silent.post('/api/users', { name: 'Eve the admin', roles: ['admin'] })).status).toBe(403)
    world.idp.userInfo = { sub, groups: ['bearer-admins'] }
    const asked = world.bearer({ sub, groups: undefined, iat: world.idp.now() + 2 })
    expect((await asked.get('/api/me')).body).toMatchObject({
      roles: ['admin', 'member'],
      groups: [group],
      provider: { groupsUntold: null },
    })
    world.idp.userInfo = { sub, groups: [] }
    const gone = world.bearer({ sub, groups: undefined, iat: world.idp.now() + 4 })
    expect((await gone.get('/api/me')).body).toMatchObject({ roles: ['member'], groups: [] })
  })

  it('about groups counts for nothing, too, by a token of the same second as the one that told them', async () => {
    const sub = somebody()
    const iat = world.idp.now()
    world.idp.userInfo = { sub }
    expect((await world.bearer({ sub, groups: ['seconds'], iat }).get('/api/me')).body.groups).toHaveLength(1)
    expect((await world.bearer({ sub, groups: undefined, iat }).get('/api/me')).body.groups).toEqual([])
  })

  it('is said of each group that somebody is not put into, and why', async () => {
    await world.signIn({ sub: somebody(), groups: ['wheel'] })
    const long = `/${'Engineering and Product Development/'.repeat(4)}Approvers`
    const { jar, page } = await world.signIn({ sub: somebody(), groups: [long, 'WHEEL', 'zero\u200bwidth', 'x'.repeat(256), 7] })
    expect(page.body.groups.map(({ name }: { name: string }) => name)).toEqual([long])
    const refused = [
      { name: 'zero\\u{200b}width', why: expect.stringContaining('cannot be seen') },
      { name: 'x'.repeat(256), why: expect.stringContaining('longer than 255') },
      { name: '7', why: 'it is not text' },
      { name: 'WHEEL', why: expect.stringContaining('only in case') },
    ]
    expect((await me(jar)).body.provider.groupsRefused).toEqual(refused)
    await world.signIn({ sub: page.body.provider.subject, groups: [long, 'WHEEL', 'zero\u200bwidth', 'x'.repeat(256), 7] })
    expect(await trail('group.names_refused', page.body.id), 'told once').toEqual([{ count: 4, refused }])
  })

  it('is somebody’s manager by what they sign in as, if that is one person', async () => {
    const boss = (await world.signIn({ sub: somebody(), preferred_username: 'bob.boss' })).page.body
    const early = (await world.signIn({ sub: somebody(), manager: 'late.boss' })).page.body
    const report = (await world.signIn({ sub: somebody(), manager: 'Bob.Boss' })).page.body
    expect((await details(report.id)).manager).toEqual({ id: boss.id, name: boss.name, userName: 'bob.boss' })
    const late = (await world.signIn({ sub: somebody(), preferred_username: 'late.boss' })).page.body
    expect((await details(early.id)).manager).toMatchObject({ id: late.id })
    await world.signIn({ sub: somebody(), preferred_username: 'bob.boss' })
    await world.signIn({ sub: report.provider.subject, manager: 'bob.boss' })
    expect((await details(report.id)).manager, 'two people are called so').toBeNull()
  })

  it('of a program is no person’s', async () => {
    for (const robot of [
      { sub: 'f:1', preferred_username: 'service-account-robot' },
      { sub: 'f:2', clientHost: '10.0.0.1' },
      { sub: 'robot', azp: 'robot' },
      { sub: 'robot', cid: 'robot' },
      { sub: 'f:3', idtyp: 'app' },
      { sub: 'f:4@clients', gty: 'client-credentials' },
    ]) {
      expect((await world.bearer({ groups: ['approvers'], ...robot }).get('/api/me')).status, JSON.stringify(robot)).toBe(401)
    }
  })

  it('are groups of another provider, whatever they are called', async () => {
    const { page } = await world.signIn({ sub: 'mover', groups: ['movers'] })
    const [group] = page.body.groups
    await world.broker.admin.put(`/api/role-groups/admin/${group.id}`)
    const { database, key } = world.broker
    const elsewhere = await startForgedWorld({}, { database, key })
    const moved = (await elsewhere.signIn({ sub: 'mover', groups: ['movers'] })).page.body
    expect(moved).toMatchObject({ roles: ['member'], groups: [{ name: 'movers' }] })
    expect(moved.id).not.toBe(page.body.id)
    expect(moved.groups[0].id).not.toBe(group.id)
    const groups = (await elsewhere.broker.admin.get('/api/groups?limit=200')).body.items
    expect(groups.filter(({ name }: { name: string }) => name === 'movers')).toMatchObject([
      { source: 'sign_in', issuer: expect.any(String) },
      { source: 'sign_in', issuer: expect.any(String) },
    ])
    await elsewhere.close()
  })

  /** As if they had signed in two minutes ago, and decided about a request that is not there. */
  async function decide(jar: Jar, userId: string): Promise<Page> {
    await world.broker.database.query(`update identities set confirmed_at = now() - interval '2 minutes' where user_id = $1`, [
      userId,
    ])
    return jar.post(`${world.broker.url}/api/access-requests/req_${'0'.repeat(26)}/approvals`, { decision: 'approve' })
  }
})
