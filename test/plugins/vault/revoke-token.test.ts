import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { revokeToken } from '../../../plugins/vault/actions/revoke-token.ts'
import { vaultConfig } from '../../../plugins/vault/config.ts'
import { connectVault } from '../../../plugins/vault/connection.ts'
import { done, planned } from './kv-secrets.ts'
import { host, type VaultWorld, vaultWorld } from './vault-world.ts'

const servers = await serversUnderTest()
const SETTINGS = { capabilities: ['discovery', 'grants', 'revoke-tokens'] }

describe.each(servers)('The revocation of a token on $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld(SETTINGS, binary)
  }, 120_000)
  afterAll(() => world?.stop())

  const made = async (body: object, by?: string): Promise<{ client_token: string; accessor: string }> =>
    (await world.api('POST', 'auth/token/create', body, by ? { 'x-vault-token': by } : undefined)).body.auth
  const alive = async (token: string) =>
    (await world.api('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token })).status === 200
  const plan = (accessor: string, force?: boolean) => planned(world, revokeToken, { accessor, ...(force && { force }) })

  it('ends the token and those that were made with it, and nobody else’s', async () => {
    const maker = 'path "auth/token/create" { capabilities = ["update"] }'
    await world.api('POST', 'sys/policies/acl/maker', { policy: maker })
    const parent = await made({ policies: ['maker', 'default'], display_name: 'a robot', ttl: '1h' })
    const child = await made({ policies: ['default'], ttl: '10m' }, parent.client_token)
    const other = await made({ policies: ['default'], ttl: '1h' })
    const use = await done(revokeToken, await plan(parent.accessor))
    expect(await alive(parent.client_token)).toBe(false)
    expect(await alive(child.client_token)).toBe(false)
    expect(await alive(other.client_token)).toBe(true)
    expect(await revokeToken.verify!(use.ctx, use.steps)).toMatchObject([
      { holds: true, observed: expect.stringContaining('400') },
    ])
  })

  it('shows which token it is, and never the token', async () => {
    const token = await made({ policies: ['default'], display_name: 'a robot', ttl: '1h', no_parent: true })
    const use = await plan(token.accessor)
    expect(use.steps[0]).toMatchObject({
      target: `token ${token.accessor}`,
      summary: expect.stringContaining('a-robot'),
      before: {
        displayName: 'token-a-robot',
        policies: ['default'],
        loggedInAt: 'auth/token/create',
        issuedAt: expect.any(String),
        expiresAt: expect.any(String),
        ttlSeconds: 3600,
        orphan: true,
      },
    })
    expect(await revokeToken.verify!(use.ctx, use.steps)).toMatchObject([{ holds: false }])
    await done(revokeToken, use)
    expect(JSON.stringify([use.steps, await revokeToken.verify!(use.ctx, use.steps)])).not.toContain(token.client_token)
  })

  it('done twice is done once, also when the token has ended since', async () => {
    const token = await made({ policies: ['default'], ttl: '1h' })
    const use = await plan(token.accessor)
    await done(revokeToken, use)
    await done(revokeToken, use)
    const another = await plan((await made({ policies: ['default'], ttl: '1h' })).accessor)
    await world.api('POST', 'auth/token/revoke-accessor', { accessor: another.steps[0]!.args.accessor })
    await done(revokeToken, another)
    expect(await revokeToken.verify!(another.ctx, another.steps)).toMatchObject([{ holds: true }])
  })

  it('spares a root token unless that is meant, and then asks for its accessor', async () => {
    const root = await made({ policies: ['root'] })
    await expect(plan(root.accessor)).rejects.toMatchObject({
      code: 'input.invalid',
      field: 'input.force',
      fix: expect.any(String),
    })
    expect(await alive(root.client_token)).toBe(true)
    expect(revokeToken.mustType!({ accessor: root.accessor, force: true })).toBe(root.accessor)
    expect(revokeToken.mustType!({ accessor: root.accessor, force: false })).toBeUndefined()
    await done(revokeToken, await plan(root.accessor, true))
    expect(await alive(root.client_token)).toBe(false)
  })

  it('spares the broker’s own session, whatever is meant', async () => {
    const { data } = await world.client.call({ method: 'GET', path: ['auth/token/lookup-self'] })
    const accessor = String(data['accessor'])
    for (const force of [false, true]) {
      await expect(plan(accessor, force)).rejects.toMatchObject({
        field: 'input.accessor',
        message: expect.stringContaining('own session'),
      })
      const step = { kind: 'token', target: 'x', summary: 'x', args: { accessor, force } } as const
      await expect(revokeToken.execute(world.run(), step)).rejects.toMatchObject({ field: 'input.accessor' })
    }
    expect((await world.client.call({ method: 'GET', path: ['auth/token/lookup-self'] })).data['accessor']).toBe(accessor)
  })

  it('spares what the broker’s own session may be a child of', async () => {
    const maker = 'path "auth/token/create" { capabilities = ["update"] }'
    await world.api('POST', 'sys/policies/acl/maker', { policy: maker })
    const parent = await made({ policies: ['maker', 'latchkey-broker'], ttl: '1h' })
    const own = await made({ policies: ['latchkey-broker'], ttl: '1h' }, parent.client_token)
    const auth = { method: 'token', token: own.client_token }
    const client = await connectVault(vaultConfig.parse({ ...SETTINGS, address: world.server.address, auth }), host())
    try {
      await expect(
        revokeToken.plan({ ...world.run(), client }, { accessor: parent.accessor, force: false }),
      ).rejects.toMatchObject({ field: 'input.force', message: expect.stringContaining('broker’s own') })
    } finally {
      await client.close()
    }
  })

  it('spares a token that has the broker’s own policy, which may be another replica, and shows what a token may do by its entity', async () => {
    const replica = await made({ policies: ['latchkey-broker'], ttl: '1h' })
    await expect(plan(replica.accessor)).rejects.toMatchObject({
      field: 'input.force',
      message: expect.stringContaining('replica'),
    })
    const entity = (await world.api('POST', 'identity/entity', { name: 'a robot', policies: ['by-its-entity'] })).body.data.id
    const { accessor: mount } = (await world.api('GET', 'sys/auth')).body.data['apono/']
    await world.api('POST', 'identity/entity-alias', { name: 'robot', canonical_id: entity, mount_accessor: mount })
    await world.api('POST', 'auth/apono/users/robot', { password: 'of-a-robot', token_policies: ['default'] })
    const { accessor } = (await world.api('POST', 'auth/apono/login/robot', { password: 'of-a-robot' })).body.auth
    const { steps } = await plan(accessor)
    expect(steps[0]).toMatchObject({ before: { policies: expect.arrayContaining(['by-its-entity']), entity } })
  })

  it('is not planned for a token that nobody knows', async () => {
    await expect(plan('AAAABBBBCCCCDDDDEEEEFFFF')).rejects.toMatchObject({ code: 'input.invalid', field: 'input.accessor' })
  })

  it('says why there is no way back', () => {
    expect(revokeToken.irreversible).toContain('never gives the same token again')
  })

  it.each([
    ['a token', `hvs.${'x'.repeat(24)}`],
    ['a token of OpenBao', `s.${'x'.repeat(24)}`],
    ['a path', '../../sys/seal'],
    ['nothing', ''],
  ])('does not take %s for an accessor', (_, accessor) => {
    expect(revokeToken.input.safeParse({ accessor }).success).toBe(false)
  })
})
