import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { grantAccess } from '../../../plugins/vault/actions/grant-access.ts'
import { parsePolicyComment } from '../../../plugins/vault/policy.ts'
import { BrokerError, type GrantInput } from '../../../src/sdk/index.ts'
import { collected, givenAGrant, type ProvisionedGrant, pasted, shown, takeBack, tracesIn } from './vault-grant.ts'
import { PERMISSIONS, REQUESTS, type Request } from './vault-permissions.ts'
import { inMinutes, keyNamed, secretAt, type VaultWorld, vaultWorld } from './vault-world.ts'

const servers = await serversUnderTest()

describe.each(servers)('A grant on $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld({}, binary)
    await fill(world)
  }, 120_000)
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.api('POST', 'kv/data/app/db', { data: { for: 'the grantee' } })
  })

  const open = ({ ctx, steps }: ProvisionedGrant, delivery: 'token' | 'password' = 'token') =>
    grantAccess.open(ctx, steps, delivery)
  const asThem = async (token: string, [method, place, body]: Request) =>
    (await world.api(method, place, body, { 'x-vault-token': token })).status
  const readsDb = (token: string) => asThem(token, ['GET', 'kv/data/app/db'])
  const logIn = ({ username }: ProvisionedGrant, password: string) =>
    world.api('POST', `auth/apono/login/${username}`, { password }, { 'x-vault-token': '' })

  it.each(PERMISSIONS)('lets somebody $permission and nothing else', async ({ resource, allowed }) => {
    const token = await collected(world, await open(await givenAGrant(world, [resource])))
    const permitted: string[] = []
    for (const request of REQUESTS) {
      if ((await asThem(token, request)) !== 403) permitted.push(`${request[0]} ${request[1]}`)
    }
    expect(permitted).toEqual(allowed)
  })

  it('does not let somebody create a key by encrypting with it', async () => {
    const token = await collected(world, await open(await givenAGrant(world, [keyNamed('ghost', 'encrypt')])))
    expect(await asThem(token, ['POST', 'transit/encrypt/ghost', { plaintext: 'YQ==' }])).toBe(403)
  })

  it('cuts the token that was opened before, and only that', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const other = await collected(world, await open(await givenAGrant(world, [secretAt('app/db', 'read')])))
    const first = await collected(world, await open(grant))
    expect(await readsDb(first)).toBe(200)
    const second = await collected(world, await open(grant))
    expect([await readsDb(first), await readsDb(second), await readsDb(other)]).toEqual([403, 200, 200])
  })

  it('forgets the password it had, when it is opened again', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const password = shown(await open(grant, 'password'), 'password')
    const login = await logIn(grant, password)
    expect(login.status).toBe(200)
    const token = await collected(world, await open(grant))
    expect((await logIn(grant, password)).status).toBe(400)
    expect([await readsDb(login.body.auth.client_token), await readsDb(token)]).toEqual([403, 200])
  })

  it('opened twice at one moment leaves one credential that works, or none', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const opened = await Promise.allSettled([open(grant), open(grant), open(grant)])
    for (const each of opened) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'conflict' })
    const wrapped = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const unwrapped = await Promise.all(wrapped.map((credential) => collected(world, credential).catch(() => undefined)))
    const working = await Promise.all(unwrapped.filter((token) => token !== undefined).map(readsDb))
    expect(working.filter((status) => status === 200).length).toBeLessThanOrEqual(1)
    expect(await readsDb(await collected(world, await open(grant)))).toBe(200)
  })

  it('is over for a live token as soon as its first step back is done', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const token = await collected(world, await open(grant))
    await grantAccess.rollback(grant.ctx, grant.steps[1]!, {})
    expect(await readsDb(token)).toBe(403)
  })

  it('takes everything with it: policy, user, tokens, unopened deliveries, identity entity', async () => {
    const before = await tracesIn(world)
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const token = await collected(world, await open(grant))
    const unopened = await open(grant)
    expect((await grantAccess.verifyGone!(grant.ctx, grant.steps)).map(({ holds }) => holds)).toEqual([
      false,
      false,
      false,
      false,
    ])
    await takeBack(grant)
    const proof = await grantAccess.verifyGone!(grant.ctx, grant.steps)
    expect(proof.map(({ artefact, holds, observed }) => [artefact, holds, observed])).toEqual([
      [`user ${grant.username}`, true, expect.stringMatching(/not in the list|the list is empty/)],
      [`tokens of ${grant.username}`, true, expect.stringMatching(/not in the list|the list is empty/)],
      [`identity entity of ${grant.username}`, true, '204, not there'],
      [`policy ${grant.policy}`, true, '200, not in the list'],
    ])
    expect(await tracesIn(world)).toEqual(before)
    expect(await asThem(token, ['GET', 'auth/token/lookup-self'])).toBe(403)
    const late = await world.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': shown(unopened, 'wrapping_token') })
    expect(late.status).toBe(400)
  })

  it('leaves a person alone when somebody merged its user into them', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const { api } = world
    const accessor: string = (await api('GET', 'sys/auth')).body.data['apono/'].accessor
    const person: string = (await api('POST', 'identity/entity', { name: 'alice' })).body.data.id
    const cert: string = (await api('GET', 'sys/auth')).body.data['approle/'].accessor
    await api('POST', 'identity/entity-alias', { name: 'alice', canonical_id: person, mount_accessor: cert })
    await api('POST', 'identity/entity-alias', { name: grant.username, canonical_id: person, mount_accessor: accessor })
    await takeBack(grant)
    expect((await api('GET', `identity/entity/id/${person}`)).status).toBe(200)
    const proof = await grantAccess.verifyGone!(grant.ctx, grant.steps)
    expect(proof.filter(({ holds }) => !holds)).toEqual([])
    expect(
      (await api('GET', `identity/entity/id/${person}`)).body.data.aliases.map(({ name }: { name: string }) => name),
    ).toEqual(['alice'])
  })

  it('touches no policy of its name that it did not write', async () => {
    const ctx = world.run()
    const [user, policy] = await grantAccess.plan(ctx, { resources: [secretAt('app/db', 'read')] })
    await world.api('POST', policy!.target, { policy: 'path "kv/data/other" { capabilities = ["read"] }' })
    await grantAccess.execute(ctx, user!)
    await expect(grantAccess.execute(ctx, policy!)).rejects.toMatchObject({ code: 'target.conflict' })
    await grantAccess.rollback(ctx, policy!, undefined)
    expect((await world.api('GET', policy!.target)).status).toBe(200)
    await world.api('DELETE', policy!.target)
    await grantAccess.rollback(ctx, user!, undefined)
  })

  it('shows in its plan exactly what is written, but for the stamps', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read'), keyNamed('k1', 'hmac')])
    const stored = JSON.parse((await world.api('GET', `sys/policies/acl/${grant.policy}`)).body.data.policy)
    delete stored.path['auth/token/lookup-self'].comment
    for (const rule of Object.values<{ expiration?: string }>(stored.path)) delete rule.expiration
    expect(grant.steps[1]).toMatchObject({ args: { document: stored } })
    expect(await grantAccess.verify!(grant.ctx, grant.steps)).toMatchObject([{ holds: true }, { holds: true }])
  })

  it('is not verified when somebody changed what was written', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    await world.api('POST', `sys/policies/acl/${grant.policy}`, { policy: 'path "kv/data/*" { capabilities = ["read"] }' })
    await world.api('POST', `auth/apono/users/${grant.username}`, { token_policies: ['default', grant.policy] })
    expect(await grantAccess.verify!(grant.ctx, grant.steps)).toMatchObject([{ holds: false }, { holds: false }])
  })

  it('carries its new end in the target when it is extended, and keeps its tokens', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const token = await collected(world, await open(grant))
    const longer = world.run({ until: inMinutes(90), runId: grant.ctx.runId })
    await grantAccess.extend(longer, grant.steps)
    await grantAccess.extend(longer, grant.steps)
    const stored = (await world.api('GET', `sys/policies/acl/${grant.policy}`)).body.data.policy
    expect(parsePolicyComment(stored)).toEqual({ instance: longer.instance, runId: longer.runId, until: longer.until })
    expect(await readsDb(token)).toBe(200)
    const again = await grantAccess.open(longer, grant.steps, 'token')
    expect(again.endsAt.getTime()).toBeGreaterThan(inMinutes(89).getTime())
    await takeBack(grant)
    await expect(grantAccess.extend(longer, grant.steps)).rejects.toMatchObject({ code: 'target.not_found' })
  })

  it('tells whether its delivery was collected', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const credential = await open(grant)
    const state = () => grantAccess.inspect(grant.ctx, credential.trace)
    expect(await state()).toBe('waiting')
    await collected(world, credential)
    expect(await state()).toBe('collected')
    await takeBack(grant)
    expect(await state()).toBe('ended')
    expect(await grantAccess.inspect(grant.ctx, { deliveredAt: '2026-01-01T00:00:00Z' })).toBe('unknown')
  })

  it('keeps no secret in what the broker stores of a delivery', async () => {
    const credential = await open(await givenAGrant(world, [secretAt('app/db', 'read')]))
    const kept = JSON.stringify([credential.trace, credential.usage])
    expect(kept).not.toContain(shown(credential, 'wrapping_token'))
    expect(kept).not.toMatch(/hvs\./)
  })

  it('is not opened in its last second', async () => {
    const until = inMinutes(0.9 / 60)
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')], { until })
    for (const delivery of ['token', 'password'] as const) {
      await expect(open(grant, delivery)).rejects.toMatchObject({ code: 'grant.ending' })
    }
  })

  it('says so when the mount ends its tokens sooner', async () => {
    await world.api('POST', 'sys/auth/apono/tune', { max_lease_ttl: '60s' })
    try {
      const credential = await open(await givenAGrant(world, [secretAt('app/db', 'read')]))
      expect(credential.endsAt.getTime()).toBeLessThanOrEqual(inMinutes(1).getTime())
      expect(credential.collectBy!.getTime()).toBeLessThanOrEqual(credential.endsAt.getTime())
    } finally {
      await world.api('POST', 'sys/auth/apono/tune', { max_lease_ttl: '0' })
    }
  })

  it('sends nothing once the run is somebody else’s', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const stillMine = () => {
      throw new BrokerError('run.fenced', 'not mine')
    }
    const fenced = { ...grant.ctx, stillMine }
    await expect(grantAccess.open(fenced, grant.steps, 'token')).rejects.toThrow('not mine')
    await expect(grantAccess.rollback(fenced, grant.steps[1]!, {})).rejects.toThrow('not mine')
    expect((await world.api('GET', `sys/policies/acl/${grant.policy}`)).status).toBe(200)
  })

  it.each([
    ['a KV version 1 mount', place('old', 'x')],
    ['a mount that is not there', place('gone', 'x')],
    ['a mount that the integration does not cover', place('second', 'x')],
    ['a mount of another kind', place('transit', 'k1')],
  ])('is not planned on %s', async (_, resource) => {
    await expect(grantAccess.plan(world.run(), { resources: [resource] })).rejects.toMatchObject({ code: 'access.ungrantable' })
  })

  it('promises what the server keeps', () => {
    expect(grantAccess.expiryGuarantee(world.client, 'token')).toBe('server')
    expect(grantAccess.expiryGuarantee(world.client, 'password')).toBe(world.server.product === 'openbao' ? 'server' : 'broker')
  })

  it('hands over commands that work when they are pasted', async () => {
    const grant = await givenAGrant(world, [secretAt("it's a/secret", 'read', 'list')])
    for (const delivery of ['token', 'password'] as const) {
      const credential = await open(grant, delivery)
      const output = await pasted(binary, credential)
      expect(output).toContain('grantee')
    }
  }, 30_000)
})

async function fill({ api }: VaultWorld): Promise<void> {
  await api('POST', 'sys/mounts/second', { type: 'kv', options: { version: '2' } })
  await api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
  for (const name of ['app/db', 'app/dbx', 'app/db/child', 'app/deeper/x', "it's%20a/secret"]) {
    await api('POST', `kv/data/${name}`, { data: { for: 'the grantee' } })
  }
  for (const key of ['k1', 'k2']) await api('POST', `transit/keys/${key}`, {})
}

function place(mount: string, name: string): GrantInput['resources'][number] {
  return { type: 'vault-kv-secret', name: `${mount}/${name}`, attributes: { mount, path: name }, permissions: ['read'] }
}
