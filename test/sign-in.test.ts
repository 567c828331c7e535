import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignInWorld, signInAs, startSignInWorld } from './support/idp.ts'
import { Jar } from './support/jar.ts'

let world: SignInWorld
beforeAll(async () => {
  world = await startSignInWorld()
})
afterAll(() => world?.close())

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
  })
})
