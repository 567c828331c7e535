import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { loginToken } from '../../src/cli/device-login.ts'
import { run } from '../../src/cli/main.ts'
import { changeLogin, loginsFile, type ProviderLogin, readLogin } from '../../src/cli/stored-login.ts'
import { startBroker } from '../support/broker.ts'
import { confirmDevice } from '../support/device.ts'
import { type SignInWorld, startSignInWorld } from '../support/idp.ts'

describe('latchkey login', () => {
  let world: SignInWorld
  let env: NodeJS.ProcessEnv
  beforeAll(async () => {
    world = await startSignInWorld()
    env = { XDG_CONFIG_HOME: await mkdtemp(path.join(tmpdir(), 'lk-login-')), LATCHKEY_CLI_URL: world.broker.url }
  })
  afterAll(async () => {
    await world?.close()
    await rm(env['XDG_CONFIG_HOME']!, { recursive: true, force: true })
  })

  function latchkey(words: string, more: NodeJS.ProcessEnv = {}, typed = '') {
    const printed: string[] = []
    const told: string[] = []
    const terminal = {
      env: { ...env, ...more },
      print: (line: string) => printed.push(line),
      tell: (line: string) => told.push(line),
      input: Readable.from([typed]),
    }
    return { code: run(words.split(' '), terminal), printed, told }
  }

  it('shows an address and a code, and the commands after it are the person who signed in there', async () => {
    const { code, told } = latchkey('login')
    await waitFor('the address', async () => told.length > 0)
    expect(told[0]).toMatch(
      /^Open http:\S+\nand see that it shows the code ([A-Z]{4}-[A-Z]{4}), or enter it at http:\S+\/device$/,
    )
    await confirmDevice(/http:\S+/.exec(told[0]!)![0], 'bob')
    expect(await code).toBe(0)
    expect(told[1]).toBe('Signed in as Bob Baker (bob).')
    const { mode } = await stat(loginsFile(env))
    expect((mode & 0o777).toString(8)).toBe('600')

    const asked = latchkey('grants')
    expect(await asked.code, asked.told.join('\n')).toBe(0)
    const me = await world.broker.api((await loginToken(env, world.broker.url))!.reveal()).get('/api/me')
    expect(me.body).toMatchObject({ name: 'Bob Baker', tokenId: null })
    expect(me.body.groups.map(({ name }: { name: string }) => name)).toEqual(['approvers', 'engineering'])
  }, 30_000)

  it('is refreshed by itself, once for many commands at once, and the groups are those of now', async () => {
    const { url } = world.broker
    const before = (await readLogin(env, url)) as ProviderLogin
    await changeLogin(env, url, async (login) => ({ ...login!, refreshedAt: 0 }))
    world.idp.accounts.set('bob', { name: 'Bob Baker', email: 'bob@example.test', groups: ['engineering'] })
    await world.broker.database.query(
      `update identities set confirmed_at = now() - interval '1 hour', groups_said_at = now() - interval '1 hour'`,
    )
    const tokens = await Promise.all(Array.from({ length: 5 }, () => loginToken(env, url)))
    expect(new Set(tokens.map((token) => token?.reveal())).size).toBe(1)
    expect(tokens[0]?.reveal()).not.toBe(before.accessToken)
    const me = await world.broker.api(tokens[0]?.reveal()).get('/api/me')
    expect(me.body.groups.map(({ name }: { name: string }) => name)).toEqual(['engineering'])
    // What the provider said before does not come back with the token it said it in.
    const old = await world.broker.api(before.accessToken).get('/api/me')
    expect(old.body.groups).toEqual(me.body.groups)
  })

  it('is not what a command uses that was given a token', async () => {
    const given = latchkey('grants', { LATCHKEY_CLI_TOKEN: 'nonsense' })
    expect(await given.code).toBe(1)
  })

  it('is not read from a file that others can read', async () => {
    const open = { ...env, XDG_CONFIG_HOME: await mkdtemp(path.join(tmpdir(), 'lk-open-')) }
    await changeLogin(open, 'http://x', async () => readLogin(env, world.broker.url))
    await writeFile(loginsFile(open), '{}')
    const { chmod } = await import('node:fs/promises')
    await chmod(loginsFile(open), 0o644)
    await expect(loginToken(open, 'http://x')).rejects.toMatchObject({ fix: expect.stringContaining('chmod 600') })
    await rm(open.XDG_CONFIG_HOME, { recursive: true })
  })

  it('is forgotten by logout, here and at the provider', async () => {
    const stored = (await readLogin(env, world.broker.url))!
    const out = latchkey('logout')
    expect(await out.code, out.told.join('\n')).toBe(0)
    expect(out.told).toEqual(['Signed out.'])
    const after = latchkey('grants')
    expect(await after.code).toBe(1)
    expect(after.told.join()).toContain('latchkey login')
    await changeLogin(env, world.broker.url, async () => ({ ...stored, refreshedAt: 0 }))
    await expect(loginToken(env, world.broker.url)).rejects.toMatchObject({
      code: 'auth.required',
      message: expect.stringContaining('invalid_grant'),
    })
    await changeLogin(env, world.broker.url, async () => undefined)
    const again = latchkey('logout')
    expect(await again.code).toBe(0)
    expect(again.told).toEqual(['You are not signed in.'])
  })

  it('redeems an enrolment code where nobody signs in, and logout revokes what it brought', async () => {
    const plain = await startBroker()
    const { id } = await plain.admin.must(plain.admin.post('/api/users', { name: 'Bo' }))
    const { code } = await plain.admin.must(plain.admin.post(`/api/users/${id}/enrolment-code`, {}))
    const to = { LATCHKEY_CLI_URL: plain.url }
    const redeeming = latchkey('login --code', to, `${code}\n`)
    expect(await redeeming.code, redeeming.told.join('\n')).toBe(0)
    expect(redeeming.told.at(-1)).toMatch(
      /^Signed in as Bo, until \d{4}-\d\d-\d\dT\S+Z\. It ends earlier if the admin who made the code leaves, or their token ends\.$/,
    )
    expect([...redeeming.told, ...redeeming.printed].join('\n')).not.toMatch(/lk_|lke_/)
    expect(await latchkey('grants', to).code).toBe(0)
    const token = (await loginToken({ ...env, ...to }, plain.url))!.reveal()
    expect((await plain.api(token).get('/api/me')).body).toMatchObject({ id })
    const again = latchkey('login --code', to, `${code}\n`)
    expect(await again.code).toBe(1)
    expect(again.told.join('\n')).toContain('ask an admin for a new one')
    expect(await latchkey('logout', to).code).toBe(0)
    expect((await plain.api(token).get('/api/me')).status).toBe(401)
    expect(await latchkey('grants', to).code).toBe(1)
    await plain.close()
  })

  it('says so where there is no provider', async () => {
    const plain = await startBroker()
    const { code, told } = latchkey(`login --url ${plain.url}`)
    expect(await code).toBe(1)
    expect(told.join()).toContain('no identity provider')
    await plain.close()
  })
})
