import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { type ForgedWorld, startForgedWorld } from './support/forged-world.ts'

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
