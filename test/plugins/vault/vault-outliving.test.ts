import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { grantAccess } from '../../../plugins/vault/actions/grant-access.ts'
import { collected, givenAGrant, shown, takeBack, tracesIn } from './vault-grant.ts'
import { keyNamed, secretAt, type VaultWorld, vaultWorld } from './vault-world.ts'

type Attempt = readonly [method: string, path: string, body?: object]

/** Whatever makes a token, a login, an entry or a lease. */
const MAKING: readonly Attempt[] = [
  ['POST', 'auth/token/create', { ttl: '24h' }],
  ['POST', 'auth/token/create', { ttl: '24h', no_parent: true }],
  ['POST', 'auth/token/create', { type: 'batch', ttl: '24h' }],
  ['POST', 'auth/token/create-orphan', { ttl: '24h' }],
  ['POST', 'auth/token/create/any', {}],
  ['POST', 'auth/token/roles/any', { orphan: true }],
  ['POST', 'auth/token/renew-self', { increment: '24h' }],
  ['POST', 'auth/approle/role/latchkey/secret-id', {}],
  ['POST', 'auth/apono/users/mine', { password: 'x'.repeat(20) }],
  ['POST', 'cubbyhole/mine', { kept: 'here' }],
  ['POST', 'sys/wrapping/wrap', { kept: 'here' }],
  ['POST', 'sys/tools/random', {}],
  ['POST', 'sys/policies/acl/mine', { policy: '' }],
  ['POST', 'identity/entity', { name: 'mine' }],
  ['GET', 'identity/oidc/token/any'],
  ['POST', 'sys/mounts/mine', { type: 'kv' }],
  ['POST', 'transit/keys/mine', {}],
  ['GET', 'transit/export/encryption-key/k1'],
]

/** One login, as servers and what stands before them may read it otherwise. */
const spellingsOf = (username: string): readonly string[] => [
  `auth/apono/login/${username}`,
  `auth/apono/login/${username}/`,
  `auth/apono//login/${username}`,
  `auth/apono/LOGIN/${username}`,
  `auth/apono/login/${username.replace('-', '%2D')}`,
  `auth%2Fapono%2Flogin%2F${username}`,
  `auth/apono/login/x/..%2F${username}`,
  `auth/apono/login/${username}%20`,
  `auth/apono/login/${username}?list=true`,
]

describe.each(await serversUnderTest())('A grantee on $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld({}, binary)
    // The broker's own first login makes an entity too: it is there before the first look.
    await world.client.features()
    await world.api('POST', 'kv/data/app/db', { data: { for: 'the grantee' } })
    await world.api('POST', 'transit/keys/k1', {})
  })
  afterAll(() => world?.stop())

  const everything = [
    secretAt('app/db', 'read', 'write', 'list', 'metadata', 'delete'),
    keyNamed('k1', 'encrypt', 'decrypt', 'rewrap', 'hmac', 'read'),
  ]
  const as = (token: string, [method, path, body]: Attempt, wrapped?: string) =>
    world.api(method, path, body, { 'x-vault-token': token, ...(wrapped && { 'x-vault-wrap-ttl': wrapped }) })
  const unwrapped = (token: string) => world.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': token })

  /** Both ways in: a token that was handed over, and one that a password gave. */
  async function lent(delivery: 'token' | 'password') {
    const grant = await givenAGrant(world, everything)
    const credential = await grantAccess.open(grant.ctx, grant.steps, delivery)
    if (delivery === 'token') return { grant, token: await collected(world, credential) }
    const login = await as('', ['POST', `auth/apono/login/${grant.username}`, { password: shown(credential, 'password') }])
    return { grant, token: login.body.auth.client_token as string }
  }

  it.each(['token', 'password'] as const)('leaves nothing that works after its end, come in by %s', async (delivery) => {
    const before = await tracesIn(world)
    const { grant, token } = await lent(delivery)
    for (const wrapped of [undefined, '24h'])
      for (const attempt of MAKING) {
        const { status } = await as(token, attempt, wrapped)
        expect([400, 403, 404, 405], `${attempt[0]} ${attempt[1]}`).toContain(status)
      }
    const itself = await as(token, ['GET', 'auth/token/lookup-self'], '24h')
    await takeBack(grant)
    expect(await tracesIn(world)).toEqual(before)
    expect((await as(token, ['GET', 'kv/data/app/db'])).status).toBe(403)
    // What it wrapped of itself names a token that is dead.
    const { id } = (await unwrapped(itself.body.wrap_info.token)).body.data
    expect((await as(id, ['GET', 'auth/token/lookup-self'])).status).toBe(403)
  })

  it('leaves nothing that works after its end, by whatever spelling of the login it came in, and through none', async () => {
    const before = await tracesIn(world)
    const grant = await givenAGrant(world, everything)
    const credential = await grantAccess.open(grant.ctx, grant.steps, 'password')
    const password = shown(credential, 'password')
    const login = `auth/apono/login/${grant.username}`
    const tokens: string[] = []
    for (const spelled of spellingsOf(grant.username)) {
      const sent = { method: 'PUT', redirect: 'manual', body: JSON.stringify({ password }) } as const
      const answer = await fetch(`${world.server.address}/v1/${spelled}`, sent)
      const { auth } = answer.status === 200 ? ((await answer.json()) as { auth: { client_token: string } }) : {}
      if (auth) tokens.push(auth.client_token)
    }
    expect(tokens.length).toBeGreaterThan(3)
    // A login within the call itself, which OpenBao knows.
    const inline = { key: 'password', value: password }
    const within = {
      'x-vault-inline-auth-path': login,
      'x-vault-inline-auth-operation': 'update',
      'x-vault-inline-auth-parameter-1': Buffer.from(JSON.stringify(inline)).toString('base64url'),
    }
    const byCall = () => world.api('GET', 'kv/data/app/db', undefined, { 'x-vault-token': '', ...within })
    expect((await byCall()).status).toBe(binary.product === 'openbao' ? 200 : 403)
    const wrapped = await as('', ['POST', login, { password }], '24h')
    await takeBack(grant)
    for (const token of tokens) expect((await as(token, ['GET', 'kv/data/app/db'])).status).toBe(403)
    expect((await unwrapped(wrapped.body.wrap_info.token)).status).toBe(400)
    expect((await byCall()).status).toBeGreaterThanOrEqual(400)
    expect(await tracesIn(world)).toEqual(before)
  })

  it('can keep wrapped what it could read, which every receipt says, and which revoking the path’s leases voids', async () => {
    const { grant, token } = await lent('token')
    const wraps = [1, 2].map(async () => (await as(token, ['GET', 'kv/data/app/db'], '24h')).body.wrap_info.token as string)
    const [opened, voided] = await Promise.all(wraps)
    await takeBack(grant)
    expect((await unwrapped(opened!)).body.data.data).toEqual({ for: 'the grantee' })
    expect((await world.api('PUT', 'sys/leases/revoke-prefix/kv/data/app/db')).status).toBe(204)
    expect((await unwrapped(voided!)).status).toBe(400)
    expect(grantAccess.beyondTheEnd?.join()).toMatch(/response-wrapped.*vault lease revoke -prefix/)
  })

  it('could not be kept from wrapping without being kept from reading', async () => {
    const rule = { capabilities: ['read'], max_wrapping_ttl: '1s' }
    await world.api('PUT', 'sys/policies/acl/narrow', { policy: JSON.stringify({ path: { 'kv/data/app/db': rule } }) })
    const made = await world.api('POST', 'auth/token/create', { policies: ['narrow'], no_default_policy: true })
    const token: string = made.body.auth.client_token
    expect((await as(token, ['GET', 'kv/data/app/db'])).status).toBe(403)
    expect((await as(token, ['GET', 'kv/data/app/db'], '1s')).status).toBe(200)
  })
})
