import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { grantAccess } from '../../../plugins/vault/actions/grant-access.ts'
import { describe as describeResources, discover } from '../../../plugins/vault/discovery.ts'
import { marked } from '../../../plugins/vault/marked.ts'
import { policyFor } from '../../../plugins/vault/policy.ts'
import { type DiscoveredResource, type DiscoveryPage, isBrokerError, type Marked } from '../../../src/sdk/index.ts'
import { collected, givenAGrant, takeBack, tracesIn } from './vault-grant.ts'
import { INSTANCE, secretAt, type VaultWorld, vaultWorld } from './vault-world.ts'

const signal = new AbortController().signal

const servers = await serversUnderTest()

describe.each(servers)('Discovery in $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld({ kvMounts: ['kv', 'team/kv', 'old', 'gone'], transitMounts: ['transit'] }, binary)
    await fill(world)
  }, 120_000)
  afterAll(() => world?.stop())

  const walk = (folders = ['']) => all(discover(world.client, folders, signal))
  const resourcesIn = (pages: DiscoveryPage[]) => pages.flatMap((page) => page.resources)

  it('finds every secret and key, folder by folder', async () => {
    const pages = await walk()
    const folders = ['', 'gone/', 'kv/', 'kv/app/', 'kv/app/deeper/', 'kv/private/', `kv/q"uo'te/`, 'team/kv/', 'transit/']
    expect(pages.map(({ folder }) => folder).sort()).toEqual(folders)
    expect(pages.filter((page) => page.unreadable).map(({ folder }) => folder)).toEqual(['gone/'])
    expect(
      resourcesIn(pages)
        .map(({ type, name }) => `${type} ${name}`)
        .sort(),
    ).toEqual(
      [
        'vault-kv-secret kv/app',
        'vault-kv-secret kv/app/db',
        'vault-kv-secret kv/app/db*',
        'vault-kv-secret kv/app/deeper/x',
        'vault-kv-secret kv/private/x',
        'vault-kv-secret kv/q"uo\'te/{{x}}',
        'vault-kv-secret team/kv/x',
        'vault-transit-key transit/k1',
        'vault-transit-key transit/k2',
      ].sort(),
    )
  })

  it('tells a secret from the folder of the same name', async () => {
    const page = (await walk()).find(({ folder }) => folder === 'kv/')
    expect(page?.resources.map(({ name }) => name)).toContain('kv/app')
    expect(page?.folders).toContain('kv/app/')
  })

  it('brings what a grant needs, so that whatever it calls grantable can be granted', async () => {
    for (const resource of resourcesIn(await walk())) {
      const policy = () => policyFor([{ ...resource, permissions: ['read'] }])
      if (resource.ungrantable) expect(policy).toThrow(resource.ungrantable)
      else expect(policy).not.toThrow()
    }
    const marks = resourcesIn(await walk()).filter(({ ungrantable }) => ungrantable)
    expect(marks.map(({ name }) => name).sort()).toEqual(['kv/app/db*', 'kv/q"uo\'te/{{x}}'])
  })

  it('walks a part when asked for a part', async () => {
    expect((await walk(['kv/app/', 'transit/'])).map(({ folder }) => folder).sort()).toEqual([
      'kv/app/',
      'kv/app/deeper/',
      'transit/',
    ])
  })

  it('says which mounts it cannot look into', async () => {
    const pages = await walk()
    expect(pages.find(({ folder }) => folder === '')?.notices).toEqual([expect.stringMatching(/^old\/ is KV version 1/)])
    expect(pages.find(({ folder }) => folder === 'gone/')?.unreadable).toMatch(/no such mount/)
  })

  it('takes an emptied folder for empty', async () => {
    expect(await walk(['kv/nothing-here/'])).toMatchObject([{ resources: [], folders: [] }])
  })

  it('reports a mount that is not there, or not covered', async () => {
    expect(await walk(['gone/'])).toMatchObject([{ folder: 'gone/', unreadable: expect.any(String) }])
  })

  it('goes on beside a folder that it may not read', async () => {
    await withDenied(world, ['kv/metadata/private/', 'kv/detailed-metadata/private/'], async () => {
      const pages = await walk()
      expect(pages.filter((page) => page.unreadable).map(({ folder }) => folder)).toEqual(['gone/', 'kv/private/'])
      expect(resourcesIn(pages).map(({ name }) => name)).toContain('kv/app/deeper/x')
    })
  })

  it('brings the tags of secrets and the abilities of keys, and leaves out what is gone', async () => {
    const found = resourcesIn(await walk())
    const ghost: DiscoveredResource = { ...secretAt('ghost'), attributes: { mount: 'kv', path: 'ghost' } }
    const described = await describeResources(world.client, [...found, ghost], signal)
    expect(described.length).toBe(found.length)
    expect(described.find(({ name }) => name === 'kv/app/db')?.tags).toEqual({ owner: 'payments' })
    expect(described.find(({ name }) => name === 'kv/app')?.tags).toEqual({})
    expect(described.find(({ name }) => name === 'transit/k2')?.attributes).toMatchObject({
      mount: 'transit',
      path: 'k2',
      type: 'ed25519',
      supports_encryption: false,
      supports_signing: true,
    })
  })

  it('never asks for the value of a secret', async () => {
    await describeResources(world.client, resourcesIn(await walk()), signal)
    const asked = (await world.server.auditLines()).filter(
      ({ request, auth }) => auth?.display_name === 'approle' && /\/data\/|\/subkeys\//.test(request?.path ?? ''),
    )
    expect(asked).toEqual([])
  })

  it('stops when it is told to, and leaves nothing behind that fails later', async () => {
    const control = new AbortController()
    const pages = discover(world.client, [''], control.signal)
    await pages.next()
    control.abort()
    await expect(all(pages)).rejects.toSatisfy((error) => !isBrokerError(error))
    for await (const page of discover(world.client, [''], signal)) if (page.folder === 'kv/') break
  })
})

describe.each(servers)('The sweep of $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld({}, binary)
  }, 120_000)
  afterAll(() => world?.stop())

  const sweep = () => all(marked(world.client, signal))

  it('finds what runs left, whose it is, and removes it without a trace', async () => {
    await world.client.features()
    const before = await tracesIn(world)
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    const token = await collected(world, await grantAccess.open(grant.ctx, grant.steps, 'token'))
    const found = await sweep()
    expect(found.map(plain)).toEqual([
      { artefact: `policy ${grant.policy}`, runId: grant.ctx.runId, instance: INSTANCE },
      { artefact: `user ${grant.username}`, runId: grant.ctx.runId, instance: INSTANCE },
    ])
    for (const each of found) await each.remove()
    for (const each of found) await each.remove()
    expect(await tracesIn(world)).toEqual(before)
    expect((await world.api('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token })).status).toBe(403)
    expect(await sweep()).toEqual([])
  })

  it('shows a policy of its prefix that nobody stamped, and a user of its mount that it would not have made', async () => {
    await world.api('POST', 'sys/policies/acl/apono-g-by-hand', { policy: 'path "kv/data/x" { capabilities = ["read"] }' })
    await world.api('POST', 'auth/apono/users/bob', { password: 'something long' })
    const found = await sweep()
    expect(found.map(plain)).toEqual(
      ['policy apono-g-by-hand', 'user bob'].map((artefact) => ({ artefact, runId: undefined, instance: undefined })),
    )
  })

  it('does not take a grant that was taken back for a leftover', async () => {
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')])
    await takeBack(grant)
    expect((await sweep()).map(plain).filter(({ runId }) => runId === grant.ctx.runId)).toEqual([])
  })

  function plain({ artefact, runId, instance }: Marked) {
    return { artefact, runId, instance }
  }
})

async function fill({ api }: VaultWorld): Promise<void> {
  await api('POST', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' } })
  await api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
  for (const name of ['app', 'app/db', 'app/db*', 'app/deeper/x', 'private/x', `q%22uo'te/%7B%7Bx%7D%7D`]) {
    await api('POST', `kv/data/${name}`, { data: { a: 'value' } })
  }
  await api('POST', 'team/kv/data/x', { data: { a: 'value' } })
  await api('POST', 'kv/metadata/app/db', { custom_metadata: { owner: 'payments' } })
  await api('POST', 'transit/keys/k1', {})
  await api('POST', 'transit/keys/k2', { type: 'ed25519' })
}

/** Adds a deny to the broker's own policy for as long as `work` takes. */
async function withDenied({ api }: VaultWorld, places: readonly string[], work: () => Promise<void>): Promise<void> {
  const own = 'sys/policies/acl/latchkey-broker'
  const text: string = (await api('GET', own)).body.data.policy
  const document = JSON.parse(text)
  for (const place of places) document.path[place] = { capabilities: ['deny'] }
  await api('PUT', own, { policy: JSON.stringify(document) })
  try {
    await work()
  } finally {
    await api('PUT', own, { policy: text })
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
