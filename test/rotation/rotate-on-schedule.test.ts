import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import { type Rotations, rotationsOf } from '../support/rotations.ts'
import { startWorld, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('a secret rotated by a schedule on $product $version', { timeout: 90_000 }, (binary) => {
  let vault: VaultServer
  let world: World
  let them: Rotations

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { settings: { capabilities: ['discovery', 'grants', 'rotate-secrets'] } })
    them = rotationsOf(world.broker, { integrationId: world.integrationId, action: 'rotate-kv-secret' })
  }, 120_000)
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const stored = async (path: string) => (await vault.api('GET', `kv/data/${path}`)).body.data
  const rotating = (path: string) => ({ input: { mount: 'kv', path, fields: { password: { by: 'recipe', length: 24 } } } })
  const latchkey = async (...words: string[]) => {
    const lines: string[] = []
    const code = await run(words, {
      env: { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken },
      print: (line) => lines.push(line),
      tell: (line) => lines.push(line),
    })
    return { code, out: lines.join('\n') }
  }

  it('has a new value each time, a history, and is rolled back to what it was', async () => {
    const before = await stored('app/db')
    const { id, name } = await them.make(rotating('app/db'))
    expect((await latchkey('rotations')).out).toMatch(new RegExp(`${name} +rotate-kv-secret`))
    await them.bringUp(id)
    const { last } = await them.settled(id, 'finished')
    const first = await stored('app/db')
    expect(first.metadata.version).toBe(2)
    expect(first.data).toEqual({ username: before.data.username, password: expect.stringMatching(/^[A-Za-z0-9]{24}$/) })

    const again = await latchkey('rotate', name.toUpperCase(), '--reason', 'it leaked')
    expect(again.code, again.out).toBe(0)
    expect((await stored('app/db')).metadata.version).toBe(3)

    const { admin } = world.broker
    const { last: latest } = await them.get(id)
    expect(latest.id).not.toBe(last.id)
    await admin.must(admin.post(`/api/runs/${latest.runId}/rollback`, { reason: 'it did not leak after all' }))
    await waitFor('the run to be undone', async () => (await them.get(id)).last.runState === 'undone')
    const restored = await stored('app/db')
    expect(restored.data).toEqual(first.data)
    expect(restored.metadata.version).toBe(4)

    const history = await latchkey('rotations', name)
    expect(history.out).toMatch(/finished, run undone +run_\w+ +admin[\s\S]*finished +run_/)
    const trail = await world.broker.database.query('select body from audit_events')
    for (const value of [first.data.password, before.data.password]) expect(JSON.stringify([trail, history])).not.toContain(value)
  })

  it('is left as it is where the server would not keep the earlier version, and people are told what to change', async () => {
    const { id, name } = await them.make(rotating('app/cache'))
    await vault.api('POST', 'kv/metadata/app/cache', { max_versions: 1 })
    await them.bringUp(id)
    const { last } = await them.settled(id, 'refused')
    expect(last).toMatchObject({
      runId: null,
      problem: { code: 'conflict', message: expect.stringContaining('max_versions is 1') },
    })
    expect((await stored('app/cache')).metadata.version).toBe(1)
    expect((await them.post(rotating('app/cache'))).body).toMatchObject({ code: 'conflict', field: 'does.input' })
    const refused = await latchkey('rotate', name, '--reason', 'now')
    expect(refused.code).not.toBe(0)
    expect(refused.out).toContain('max_versions is 1')

    // Zero says nothing: ten are kept.
    await vault.api('POST', 'kv/metadata/app/cache', { max_versions: 0, delete_version_after: '2h' })
    await vault.api('POST', 'kv/data/app/cache', { data: { password: 'lemon' } })
    const { last: before } = await them.get(id)
    await them.bringUp(id)
    const refusedAgain = await them.settled(id, 'refused', before.id)
    expect(refusedAgain.last.problem).toMatchObject({ message: expect.stringContaining('86400 s') })
    const { does, version } = refusedAgain
    await world.broker.admin.must(
      world.broker.admin.patch(`/api/rotations/${id}`, { does: { ...does, undoWithinSeconds: 3600 }, version }),
    )
    await them.bringUp(id)
    await them.settled(id, 'finished')
    expect((await stored('app/cache')).data.password).toMatch(/^[A-Za-z0-9]{24}$/)
  })

  it('waits while the server is away, and is made once when it is back', async () => {
    const path = 'app/db/replica'
    const { id } = await them.make(rotating(path))
    await vault.kill('SIGKILL')
    await them.bringUp(id, 60)
    await waitFor('it to be overdue', async () => {
      const [row] = await world.broker.database.query<{ attempts: number }>('select attempts from due_work where subject = $1', [
        id,
      ])
      return (row?.attempts ?? 0) > 1
    })
    expect((await them.get(id)).last).toBeNull()
    await vault.restart()
    await them.settled(id, 'finished')
    expect((await stored(path)).metadata.version).toBe(2)
  })
})
