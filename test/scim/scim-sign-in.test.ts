import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignInWorld, signInAs, startSignInWorld } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'
import { type ScimApi, scimOf } from '../support/scim.ts'

let world: SignInWorld
let scim: ScimApi
beforeAll(async () => {
  world = await startSignInWorld()
  scim = await scimOf(world.broker)
})
afterAll(() => world?.close())

const enter = (account: string, jar = new Jar()) => signInAs(jar, world.broker.url, account)
const off = { op: 'replace', value: { active: false } }

it('is SCIM’s person who signs in, described by SCIM, until SCIM says they left', async () => {
  world.idp.accounts.set('ada', { name: 'Claimed', email: 'claimed@example.test', groups: ['claimed'] })
  const id = await scim.person('ada@example.test', { externalId: 'ada', displayName: 'Ada' })
  await scim.group('crew', [id])
  const jar = new Jar()
  expect((await enter('ada', jar)).body).toMatchObject({ id, name: 'Ada', email: null, groups: [{ name: 'crew' }] })

  await scim.patch(`/Users/${id}`, off)
  expect((await jar.get(`${world.broker.url}/api/me`)).status).toBe(401)
  expect((await enter('ada')).status).toBe(403)
  await scim.put(`/Users/${id}`, { userName: 'ada@example.test', externalId: 'ada', active: true })
  expect((await jar.get(`${world.broker.url}/api/me`)).status).toBe(401)
  expect((await enter('ada')).body).toMatchObject({ id })

  await scim.delete(`/Users/${id}`)
  expect((await enter('ada')).status).toBe(403)
  const again = await scim.person('ada@example.test', { externalId: 'ada' })
  expect((await enter('ada')).body).toMatchObject({ id: again, groups: [], roles: ['member'] })
})

it('is not made again by signing in, where SCIM removed the person before', async () => {
  world.idp.accounts.set('bob-2', { name: 'Bob', email: 'bob-2@example.test', groups: [] })
  await scim.delete(`/Users/${await scim.person('bob-2', { externalId: 'bob-2' })}`)
  expect((await enter('bob-2')).status).toBe(403)
})

describe('who was given something here and never signed in', () => {
  const GIVEN: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
    ['a role', (id) => admin().patch(`/api/users/${id}`, { roles: ['admin', 'member'] })],
    [
      'a group made by hand',
      async (id) => {
        const { id: group } = await admin().must(admin().post('/api/groups', { name: `by hand ${id}` }))
        return admin().put(`/api/groups/${group}/members/${id}`)
      },
    ],
  ]
  const admin = () => world.broker.admin
  const another = (externalId: string) => ({ op: 'replace', path: 'externalId', value: externalId })

  it.each(GIVEN)('is nobody else’s by a new externalId: %s', async (what, give) => {
    const [name, thief] = [`owner of ${what}`, `thief of ${what}`]
    for (const each of [name, thief])
      world.idp.accounts.set(each, { name: each, email: `${each.length}@example.test`, groups: [] })
    const id = await scim.person(name, { externalId: name })
    expect(await give(id)).toMatchObject({ status: expect.toSatisfy((status: number) => status < 300) })

    const refused = { status: 400, body: { scimType: 'mutability', detail: expect.stringContaining('never signed in') } }
    expect(await scim.patch(`/Users/${id}`, another(thief))).toMatchObject(refused)
    expect(await scim.put(`/Users/${id}`, { userName: name, externalId: thief, active: true })).toMatchObject(refused)
    const trail = await admin().must(admin().get(`/api/audit?subject=${id}&kind=scim.refused`))
    expect(trail.items).toMatchObject([{ data: { reason: 'never_signed_in' } }, { data: { reason: 'never_signed_in' } }])
    expect((await scim.patch(`/Users/${id}`, { op: 'remove', path: 'externalId' })).status).toBe(200)
    expect(await scim.patch(`/Users/${id}`, another(thief))).toMatchObject(refused)
    const stranger = (await enter(thief)).body
    expect(stranger.id).not.toBe(id)
    expect(stranger).toMatchObject({ roles: ['member'], groups: [] })
    // Nor by a sign-in that is here already.
    expect(await scim.patch(`/Users/${id}`, another(thief))).toMatchObject(refused)
    expect((await scim.get(`/Users/${id}`)).body.externalId).toBeUndefined()

    const leaving = await scim.patch(`/Users/${id}`, another(thief), off)
    expect(leaving, 'but who leaves leaves').toMatchObject({ status: 200, body: { active: false } })
    expect(leaving.body.externalId).toBeUndefined()
  })

  it('may get another externalId once they have signed in, which lets nobody else in', async () => {
    for (const each of ['early', 'later']) world.idp.accounts.set(each, { name: each, email: `${each}@example.test`, groups: [] })
    const id = await scim.person('early', { externalId: 'early' })
    await admin().must(admin().patch(`/api/users/${id}`, { roles: ['auditor', 'member'] }))
    expect((await enter('early')).body).toMatchObject({ id })
    expect((await scim.patch(`/Users/${id}`, another('later'))).status).toBe(200)
    expect((await enter('later')).status).toBe(403)
    expect((await enter('early')).body).toMatchObject({ id, roles: ['auditor', 'member'] })
  })
})
