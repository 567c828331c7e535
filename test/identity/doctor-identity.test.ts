import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { type ForgedWorld, startForgedWorld } from '../support/forged-world.ts'
import type { Jar } from '../support/jar.ts'

let world: ForgedWorld
beforeAll(async () => {
  world = await startForgedWorld({
    attributes: { department: 'dept', manager: 'boss' },
    scopes: 'openid profile email offline_access',
  })
})
afterAll(() => world?.close())

type Checks = Record<string, { status: string; detail: string; fix?: string }>
const named = (body: { checks: { name: string }[] }) =>
  Object.fromEntries(body.checks.map(({ name, ...check }) => [name, check])) as Checks

/** Somebody who signs in with these claims and is an admin. */
async function chief(sub: string, claims: Record<string, unknown>): Promise<Jar> {
  const { jar, page } = await world.signIn({ sub, ...claims })
  await world.broker.admin.patch(`/api/users/${page.body.id}`, { roles: ['admin'] })
  return jar
}
const check = async (jar: Jar) => (await jar.get(`${world.broker.url}/api/identity-provider/check`)).body

describe('the check of the identity provider', () => {
  it('shows claim by claim what arrived, what was understood, what is missing and what to change', async () => {
    world.idp.metadata = { scopes_supported: ['openid', 'profile', 'email'] }
    world.idp.userInfo = { sub: 'chief', dept: 'platform' }
    const claims = { email: 'chief@example.test', preferred_username: 'chief', groups: ['ops', 'zero\u200bwidth'] }
    const jar = await chief('chief', claims)
    const body = await check(jar)
    expect(body.healthy).toBe(true)
    const checks = named(body)
    expect(checks['arrived']?.detail).toMatch(/id token: .*groups \(list of 2\).*userinfo: .*dept \(text\)/)
    expect(checks['arrived']?.detail).not.toContain('platform')
    expect(checks).toMatchObject({
      'name (name)': { status: 'ok', detail: 'Ann, from the id token' },
      'userName (preferred_username)': { status: 'ok', detail: 'chief, from the id token' },
      'email (email)': {
        status: 'warning',
        detail: expect.stringContaining('arrived in the id token, but could not be used'),
        fix: expect.stringContaining('email_verified'),
      },
      'department (dept)': { status: 'ok', detail: 'platform, from the userinfo' },
      'manager (boss)': { status: 'warning', detail: 'did not arrive', fix: expect.stringContaining('boss') },
      'groups (groups)': { status: 'ok', detail: 'ops' },
      'group left out': { status: 'warning', detail: expect.stringContaining('zero\\u{200b}width') },
      'offline access': { status: 'warning', fix: expect.stringContaining('LATCHKEY_OIDC_SCOPES') },
      'signing out there': { status: 'warning' },
      provider: { status: 'ok' },
    })
  })

  it('fails when groups are not told, and says so when the provider is another one', async () => {
    const jar = await chief('overage', { groups: undefined, hasgroups: true })
    const body = await check(jar)
    expect(body.healthy).toBe(false)
    expect(named(body)['groups (groups)']).toMatchObject({ status: 'failed', detail: expect.stringContaining('too many') })
  })

  it('has nothing to look at for who never signed in, and is for admins alone', async () => {
    const { body } = await world.broker.admin.get('/api/identity-provider/check')
    expect(named(body)['your sign-in']).toMatchObject({ status: 'warning', fix: expect.stringContaining('/auth/login') })
    const { jar } = await world.signIn({ sub: 'nobody special' })
    expect((await jar.get(`${world.broker.url}/api/identity-provider/check`)).status).toBe(403)
  })

  it('is a command that has the admin sign in first', async () => {
    const jar = await chief('doctor', { groups: ['ops'] })
    const minted = await jar.post(`${world.broker.url}/api/tokens`, { name: 'x', scopes: ['read'], expiresInSeconds: 600 })
    const printed: string[] = []
    const told: string[] = []
    const code = run(['doctor', 'identity'], {
      env: { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: minted.body.token },
      print: (line) => void printed.push(line),
      tell: (line) => void told.push(line),
    })
    await expect.poll(() => told.join()).toContain('/auth/login')
    expect(printed).toEqual([])
    await world.signIn({ sub: 'doctor', groups: ['ops', 'more'] })
    expect(await code, told.join('\n')).toBe(0)
    expect(printed.join('\n')).toMatch(/^ok +groups \(groups\): more, ops$/m)
  })
})
