import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { furnished, inhabit, traces, tries, type World } from '../support/world.ts'

const HOUR_MS = 3_600_000
const preload = pathToFileURL(path.join(import.meta.dirname, '../support/shifted-clock.mjs')).href

describe.each(await serversUnderTest())('with $product $version', (binary) => {
  let vault: VaultServer
  let config: Record<string, unknown>
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    config = await furnished(vault, { deliveries: ['token', 'password'] })
  })
  afterAll(() => vault?.stop())

  describe.each([
    ['ahead', 2 * HOUR_MS],
    ['behind', -2 * HOUR_MS],
  ])('a daemon whose clock is two hours %s', (_, shiftMs) => {
    let daemon: Daemon
    let world: World<Daemon>
    beforeAll(async () => {
      const env = { NODE_OPTIONS: `--import ${preload}`, SHIFTED_CLOCK_MS: String(shiftMs) }
      daemon = await startDaemon({ env })
      world = await inhabit(daemon, vault, config)
    })
    afterAll(() => daemon?.close())

    const shown = (grantId: string) => world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}`))

    it('opens a grant of an hour with a token of an hour', async () => {
      const grantId = await world.grant(world.alice, { seconds: 3600 })
      const { token } = await world.open(world.alice, grantId)
      const self = (await vault.api('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token })).body.data
      expect(self.ttl).toBeGreaterThan(3500)
      expect(self.ttl).toBeLessThanOrEqual((await shown(grantId)).secondsLeft + 1)
      expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
    })

    it('ends a short grant on time, and leaves nothing', async () => {
      const grantId = await world.grant(world.alice, { seconds: 60 })
      const { token } = await world.open(world.alice, grantId)
      expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
      await daemon.database.query(`update grants set expires_at = clock_timestamp() + interval '1 s' where id = $1`, [grantId])
      await world.until(world.alice, grantId, 'expired', 30_000)
      expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
    })

    it('finds out what the server can do as any other', async () => {
      const { guarantees } = await daemon.admin.must(daemon.admin.get(`/api/integrations/${world.integrationId}`))
      expect(guarantees).toEqual({ token: 'server', password: binary.product === 'openbao' ? 'server' : 'broker' })
    })
  })

  it('nothing is left of all that', async () => {
    expect((await traces(vault)).filter((trace) => / 0-|probe/.test(trace))).toEqual([])
  })
})
