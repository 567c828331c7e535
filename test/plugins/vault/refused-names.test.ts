import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerBinary, serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { keyValueReady } from '../../../dev/vault/vault-setup.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { startWorld, type World } from '../../support/world.ts'

const NAMES: readonly (readonly [name: string, reason: string])[] = [
  ['odd/a\ttab', 'cannot be printed'],
  ['odd/no-break\u00a0space', 'cannot be printed'],
  ['odd/zero\u200bwidth', 'cannot be printed'],
  ['odd/new\u{18d09}', 'newer than Unicode 15'],
  ['odd/newer\ua7f1', 'newer than Unicode 15'],
]
// What Vault makes of names whose last segment is relative, and OpenBao refuses.
const DOTS = [
  ['.', 'a relative segment'],
  ['..', 'a relative segment'],
] as const
const DATA = { data: { a: 'b' } }
const FOLDER = 'odd/folder\u00a0of/x'

describe.each(await serversUnderTest())('a name that $product was given once and takes no more', (binary) => {
  let folder: string
  let vault: VaultServer
  let proxy: FaultProxy
  let world: World
  const asked: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-names-'))
    const relative = await given(binary, folder)
    vault = await startVaultServer({ binary, dir: folder })
    proxy = await startFaultProxy(vault.address)
    proxy.always(async (call) => {
      asked.push(decodeURIComponent(call.path))
      await call.reply(await call.forward())
    })
    world = await startWorld(vault, { settings: { address: proxy.url } })
    expect(relative, 'only Vault stores a relative segment').toBe(binary.product === 'vault')
  }, 120_000)
  afterAll(async () => {
    await world?.close()
    await proxy?.close()
    await vault?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const listed = () => [...NAMES, ...(binary.product === 'vault' ? DOTS : [])]
  const found = async (name: string) =>
    world.alice.api.must(world.alice.api.get(`/api/resources/${await world.resource(`kv/${name}`)}`))

  it('is listed with the reason why nobody can have access to it', async () => {
    await world.flow()
    for (const [name, reason] of listed()) expect((await found(name)).ungrantable, name).toContain(reason)
    expect((await found('odd/fine é 漢')).ungrantable).toBeNull()
  })

  it('is refused to who asks for it, with the field and what to do', async () => {
    for (const [name, reason] of listed()) {
      const resources = [{ resourceId: await world.resource(`kv/${name}`), permissions: ['read'] }]
      const ask = { resources, seconds: 600, justification: 'because' }
      const dry = await world.alice.api.must(world.alice.api.post('/api/access-requests/dry-run', ask))
      expect(dry, name).toMatchObject({ allowed: false, steps: [], reasons: [expect.stringContaining(reason)] })
      const refused = await world.alice.api.post('/api/access-requests', ask)
      expect(refused.body, name).toMatchObject({ status: 422, code: 'access.ungrantable', field: 'resources' })
      expect(refused.body.message).toContain(reason)
      expect(refused.body.fix).toMatch(/^leave this resource out/)
    }
  })

  it('costs nothing else: the sync is whole, and says which folders it did not look into', async () => {
    const { admin } = world.broker
    const road = `/api/integrations/${world.integrationId}/sync`
    const before = await admin.must(admin.get(road))
    await admin.must(admin.post(road))
    const again = await waitFor('the second sync', async () => {
      const run = await admin.must(admin.get(road))
      return run.startedAt !== before.startedAt && run.state !== 'running' && run
    })
    expect(again).toMatchObject({ state: 'completed', gone: 0, changed: 0 })
    expect(again.notices).toEqual([expect.stringContaining('kv/odd/folder\u00a0of/')])
    expect(again.notices[0]).toContain('cannot be printed')
  })

  it('is never sent', () => {
    expect(asked).toContain('kv/metadata/odd/fine é 漢')
    const odd = asked.filter((each) => [...NAMES.map(([name]) => name), FOLDER.slice(0, -2)].some((name) => each.includes(name)))
    expect(odd).toEqual([])
    expect(asked.filter((each) => /(?:^|\/)\.\.?(?:\/|$)/.test(each.split('?')[0]!))).toEqual([])
  })
})

/** Gives the names to a server that looks at no characters. True if it also kept those whose last segment is relative. */
async function given(binary: ServerBinary, dir: string): Promise<boolean> {
  const former = await startVaultServer({ binary, dir, takesAnyName: true })
  try {
    await former.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
    await keyValueReady(former.api, 'kv')
    const write = async (name: string) =>
      (await former.api('POST', `kv/data/${name.split('/').map(encodeURIComponent).join('/')}`, DATA)).status
    for (const name of ['odd/fine é 漢', FOLDER, ...NAMES.map(([name]) => name)]) expect(await write(name), name).toBe(200)
    const [dot, dots] = [
      await former.api('POST', 'kv/data/odd%2F%2E%2E', DATA),
      await former.api('POST', 'kv/data/odd%2F%2E%2E%2F%2E%2E', DATA),
    ]
    return dot.status === 200 && dots.status === 200
  } finally {
    await former.stop()
  }
}
