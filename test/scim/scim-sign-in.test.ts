import { afterAll, beforeAll, expect, it } from 'vitest'
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
