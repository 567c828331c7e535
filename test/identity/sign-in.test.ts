import { describe, expect, it } from 'vitest'
import { type SignInWorld, signInAs, signInHere } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'

let world: SignInWorld
const { newcomer, me, query } = signInHere((there) => {
  world = there
})
const groupsOf = async (jar: Jar) => (await me(jar)).body.groups.map(({ name }: { name: string }) => name)
const trail = async (kind: string, subject: string) =>
  (
    await world.broker.database.query<{ body: string }>(
      'select body from audit_events where kind = $1 and (subject = $2 or actor = $2) order by id',
      [kind, subject],
    )
  ).map(({ body }) => JSON.parse(body))

describe('somebody who signs in', () => {
  it('is made a person with the provider’s name, address, groups and attributes', async () => {
    const { broker } = world
    const page = await signInAs(new Jar(), broker.url, 'alice')
    expect(page).toMatchObject({ status: 200, url: `${broker.url}/api/me` })
    expect(page.body).toMatchObject({
      name: 'Alice Ames',
      email: 'alice@example.test',
      roles: ['member'],
      groups: [{ name: 'engineering' }],
      scopes: ['read', 'request', 'approve', 'manage', 'audit'],
      tokenId: null,
    })
    expect(await query('select source, attributes from users where id = $1', [page.body.id])).toEqual([
      { source: 'sign_in', attributes: { department: 'payments', manager: 'bob' } },
    ])
  })

  it('is the same person the next time, whatever they are called by then', async () => {
    const account = newcomer(['one'])
    const first = (await me(await world.signIn(account))).body
    world.idp.accounts.set(account, { name: 'New Name', email: 'new@example.test', groups: ['two'] })
    expect((await me(await world.signIn(account))).body).toMatchObject({
      id: first.id,
      name: 'New Name',
      email: 'new@example.test',
      groups: [{ name: 'two' }],
    })
  })

  it('is somebody else although they have the address of somebody before them', async () => {
    const before = newcomer([], { email: 'shared@example.test' })
    const after = newcomer([], { email: 'shared@example.test' })
    const [one, two] = [(await me(await world.signIn(before))).body, (await me(await world.signIn(after))).body]
    expect(one.email).toBe(two.email)
    expect(one.id).not.toBe(two.id)
  })

  it('has the manager the provider names, whichever of them came first', async () => {
    const boss = newcomer([])
    const report = newcomer([], { manager: boss })
    const late = newcomer([], { manager: boss })
    const id = async (account: string) => (await me(await world.signIn(account))).body.id
    const [reportId, bossId, lateId] = [await id(report), await id(boss), await id(late)]
    const managers = await query('select id, manager_id as boss from users where id = any($1) order by id', [[reportId, lateId]])
    expect(managers).toEqual([
      { id: reportId, boss: bossId },
      { id: lateId, boss: bossId },
    ])
  })

  it('becomes the person SCIM brought, and nobody else becomes them', async () => {
    const account = newcomer(['staff'])
    await query(
      `insert into users (id, name, roles, source, user_name, external_id)
       values ('usr_00000000000000000000000001', 'From SCIM', '{member}', 'scim', 'scim', $1)`,
      [account],
    )
    expect((await me(await world.signIn(account))).body).toMatchObject({
      id: 'usr_00000000000000000000000001',
      name: 'From SCIM',
    })
    await query(`update identities set subject = 'earlier' where subject = $1`, [account])
    expect(await signInAs(new Jar(), world.broker.url, account)).toMatchObject({ status: 403 })
  })

  it('brings no group whose name nobody should have to read, or that only looks like another', async () => {
    await world.signIn(newcomer(['wheel']))
    const hostile = [
      'WHEEL',
      ' wheel',
      'wheel\u200b',
      'a\nb',
      '',
      'x'.repeat(256),
      '\u202egnireenigne',
      '<script>alert(1)</script>',
    ]
    const jar = await world.signIn(newcomer(hostile))
    expect(await groupsOf(jar)).toEqual(['<script>alert(1)</script>'])
    const { id } = (await me(jar)).body
    expect(await trail('group.names_refused', id)).toEqual([{ count: 7, refused: expect.any(Array) }])
  })

  it('has the roles of their groups as long as those have them', async () => {
    const { admin } = world.broker
    const jar = await world.signIn('dana')
    const [group] = (await me(jar)).body.groups
    expect((await jar.get(`${world.broker.url}/api/users`)).status).toBe(403)
    const mapping = `/api/role-groups/admin/${group.id}`
    for (const _ of [1, 2]) expect((await admin.put(mapping)).status).toBe(204)
    expect((await admin.get('/api/role-groups')).body.items).toEqual([{ role: 'admin', group }])
    expect((await me(jar)).body.roles).toEqual(['admin', 'member'])
    expect((await jar.get(`${world.broker.url}/api/users`)).status).toBe(200)
    expect((await admin.delete(mapping)).status).toBe(204)
    expect((await jar.get(`${world.broker.url}/api/users`)).status).toBe(403)
    expect((await admin.put('/api/role-groups/king/grp_00000000000000000000000000')).status).toBe(400)
    expect((await admin.put('/api/role-groups/admin/grp_00000000000000000000000000')).status).toBe(404)
  })

  it('is in the groups of a sign-in for so long, and an admin cannot put them there', async () => {
    const jar = await world.signIn(newcomer(['brief']))
    const { id, groups } = (await me(jar)).body
    await query(`update group_members set confirmed_at = now() - interval '13 hours' where user_id = $1`, [id])
    expect(await groupsOf(jar)).toEqual([])
    expect(await world.broker.admin.put(`/api/groups/${groups[0].id}/members/${id}`)).toMatchObject({ status: 409 })
  })

  it('makes themselves a token, which is theirs', async () => {
    const jar = await world.signIn(newcomer([]))
    const { id } = (await me(jar)).body
    const minted = await jar.post(`${world.broker.url}/api/tokens`, { name: 'mine', scopes: ['read'], expiresInSeconds: 3600 })
    expect(minted.status).toBe(201)
    expect((await world.broker.api(minted.body.token).get('/api/me')).body).toMatchObject({ id, tokenId: minted.body.id })
  })

  it('leaves none of what the provider gave where it could be read', async () => {
    const jar = await world.signIn(newcomer([]))
    const { id } = (await me(jar)).body
    const [session] = await world.broker.database.query<{ sealed: string; text: string }>(
      'select sealed, sess::text as text from http_sessions where user_id = $1',
      [id],
    )
    expect(session?.sealed).toMatch(/^lk1\./)
    expect(session?.text).not.toMatch(/token|verifier|eyJ/)
    const cookie = [...jar.cookies].find(([name]) => name.startsWith('latchkey'))?.[1].value ?? ''
    expect(cookie).not.toBe('')
    for (const hidden of [cookie, decodeURIComponent(cookie).slice(2, 34), 'code=', 'eyJ']) {
      expect(world.broker.log.join('')).not.toContain(hidden)
    }
  })
})
