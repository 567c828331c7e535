import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { serverPid } from '../../src/platform/postgres/postgres-process.ts'
import { type EmbeddedDaemon, EmbeddedHome } from '../support/embedded-daemon.ts'
import { furnished, type Habitable, inhabit, type World } from '../support/world.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let vault: VaultServer
let home: EmbeddedHome
let daemon: EmbeddedDaemon
let world: World<Habitable>

beforeAll(async () => {
  vault = await startVaultServer()
  home = await EmbeddedHome.make()
  daemon = await home.start(SAFE)
  const broker = {
    admin: daemon.api(await home.bootstrap()),
    api: daemon.api,
    database: await home.database(),
    close: async () => {},
  }
  world = await inhabit(broker, vault, await furnished(vault))
})
afterAll(async () => {
  await home.remove()
  await vault.stop()
})

/** What was committed outlives the server. */
const SAFE = { LATCHKEY_FSYNC: 'on' }

const killServer = () => process.kill(serverPid(path.join(home.dir, 'cluster/data'))!, 'SIGKILL')
const readiness = async () => {
  try {
    return (await daemon.api().get('/readyz')).status
  } catch (cause) {
    throw new Error(`the daemon does not answer; it ended with ${daemon.child.exitCode} and said: ${daemon.said()}`, { cause })
  }
}

/** Until a new server has the daemon's ear; before that readiness says that none has. */
async function seesItComeBack(): Promise<void> {
  await vi.waitUntil(async () => (await readiness()) === 503, { timeout: 20_000, interval: 5 })
  await vi.waitUntil(async () => (await readiness()) === 200, { timeout: 60_000, interval: 50 })
}

describe('an embedded database that is killed', () => {
  it('is launched again on the same cluster, and access ends although nobody restarted anything', async () => {
    const grantId = await world.grant(world.alice, {})
    const before = serverPid(path.join(home.dir, 'cluster/data'))
    const seen = seesItComeBack()
    killServer()
    await seen
    expect(serverPid(path.join(home.dir, 'cluster/data'))).not.toBe(before)
    await world.alice.api.must(world.alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(world.alice, grantId, 'revoked', 60_000)
    expect(daemon.said()).toMatch(/is gone; launching it again\n.*runs again, process \d+/)
  })

  it('is launched again as often as it takes, and when an earlier daemon had started it', async () => {
    const grantId = await world.grant(world.alice, {})
    daemon.child.kill('SIGKILL')
    daemon = await home.start({ ...SAFE, LATCHKEY_PORT: new URL(daemon.url).port })
    expect(daemon.said()).toContain('adopted')
    for (let round = 0; round < 2; round += 1) {
      const seen = seesItComeBack()
      killServer()
      await seen
    }
    await world.alice.api.must(world.alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(world.alice, grantId, 'revoked', 60_000)
    daemon.child.kill('SIGTERM')
    await vi.waitUntil(() => daemon.child.exitCode !== null, { timeout: 60_000 })
    expect(daemon.child.exitCode).toBe(0)
  })
})
