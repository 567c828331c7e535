import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type SignInWorld, signInAs, startSignInWorld } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'
import { type ScimApi, scimOf } from '../support/scim.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'

let office: PostOffice
let world: SignInWorld
let scim: ScimApi
beforeAll(async () => {
  office = await startPostOffice()
  const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
  world = await startSignInWorld({ config: { smtp: { host: '127.0.0.1', port: office.port, secure: false, from } } })
  scim = await scimOf(world.broker)
})
afterAll(async () => {
  await world?.close()
  await office?.close()
})

const admin = () => world.broker.admin
const must = (answer: ReturnType<typeof scim.get>) => admin().must(answer)
const givesRole = (role: string, group: string) => must(admin().put(`/api/role-groups/${role}/${group}`))

/** Everybody who is told that they have lost a role, with which, once there is nobody left to tell. */
async function told(): Promise<string[]> {
  await waitFor('all letters to be sent', async () => {
    const [left] = await world.broker.database.query(
      `select 1 from notification_deliveries d where d.state = 'waiting'
       union select 1 from notification_cursor c where c.seq < (select max(seq) from audit_chain)`,
    )
    return left === undefined
  })
  return office.letters
    .splice(0)
    .filter(({ headers }) => decodedHeader(headers.get('subject') ?? '') === 'You have lost a role in Latchkey')
    .filter(({ plain }) => plain.includes('See it with: latchkey api GET /api/me\n'))
    .map(({ to, plain }) => `${to}: ${/^Lost: (.*)$/m.exec(plain)?.[1]}`)
    .toSorted()
}

let count = 0
async function person(roles: readonly string[] = []): Promise<{ id: string; email: string }> {
  count += 1
  const email = `p${count}@people.example`
  const { id } = await must(admin().post('/api/users', { name: `person ${count}`, email, roles: [...roles, 'member'] }))
  return { id, email }
}
async function groupWith(role: string, ...ids: readonly string[]): Promise<string> {
  count += 1
  const { id } = await must(admin().post('/api/groups', { name: `group ${count}` }))
  for (const each of ids) await must(admin().put(`/api/groups/${id}/members/${each}`))
  await givesRole(role, id)
  return id
}

describe('who loses a system role', () => {
  it('is told when an admin takes it away, and of nothing that they have still', async () => {
    const { id, email } = await person(['admin', 'owner', 'auditor'])
    await groupWith('owner', id)
    await must(admin().patch(`/api/users/${id}`, { roles: ['auditor', 'member'] }))
    expect(await told()).toEqual([`${email}: admin`])
    await must(admin().patch(`/api/users/${id}`, { name: 'somebody else' }))
    await must(admin().patch(`/api/users/${id}`, { roles: ['auditor', 'approver', 'member'] }))
    expect(await told()).toEqual([])
  })

  it('is told when their group no longer gives it, is removed, or they are taken out of it', async () => {
    const people = [await person(), await person(), await person()]
    const ids = people.map(({ id }) => id)
    const [auditors, approvers] = [await groupWith('auditor', ...ids), await groupWith('approver', ...ids)]
    await must(admin().delete(`/api/groups/${auditors}/members/${ids[0]}`))
    expect(await told()).toEqual([`${people[0]!.email}: auditor`])
    await must(admin().delete(`/api/role-groups/auditor/${auditors}`))
    expect(await told()).toEqual(people.slice(1).map(({ email }) => `${email}: auditor`))
    await must(admin().delete(`/api/groups/${approvers}`))
    expect(await told()).toEqual(people.map(({ email }) => `${email}: approver`))
  })

  it('is told when SCIM takes them out of a group, and not when they leave altogether', async () => {
    const emails = (name: string) => [{ value: `${name}@people.example`, primary: true }]
    const [stays, leaves] = [
      await scim.person('stays', { emails: emails('stays') }),
      await scim.person('leaves', { emails: emails('leaves') }),
    ]
    const crew = await scim.group('crew', [stays, leaves])
    await givesRole('owner', crew)
    await scim.patch(`/Users/${leaves}`, { op: 'replace', path: 'active', value: false })
    expect((await scim.put(`/Groups/${crew}`, { displayName: 'crew', members: [] })).status).toBe(200)
    expect(await told()).toEqual(['stays@people.example: owner'])
  })

  it('is told when the provider no longer says that they are in a group, and not because it was not asked for long', async () => {
    const account = (groups: string[]) => world.idp.accounts.set('nina', { name: 'nina', email: 'nina@people.example', groups })
    account(['keepers'])
    await signInAs(new Jar(), world.broker.url, 'nina')
    const groups = await must(admin().get('/api/groups?limit=200'))
    await givesRole('approver', groups.items.find(({ name }: { name: string }) => name === 'keepers').id)
    await world.broker.database.query(
      `update group_members set confirmed_at = now() - interval '30 days' where confirmed_at is not null`,
    )
    await signInAs(new Jar(), world.broker.url, 'nina')
    expect(await told()).toEqual([])
    account([])
    await signInAs(new Jar(), world.broker.url, 'nina')
    expect(await told()).toEqual(['nina@people.example: approver'])
  })
})
