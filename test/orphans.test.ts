import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../dev/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../dev/vault-server.ts'
import { startBroker } from './support/broker.ts'
import { furnished, inhabit, startWorld, traces, tries } from './support/world.ts'

describe.each(await serversUnderTest())('what a broker left behind, on $product $version,', (binary) => {
  let vault: VaultServer
  let left: string[]
  let token: string
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    const lost = await startWorld(vault, { config: { instance: '1000000001' } })
    const grantId = await lost.grant(lost.alice, {})
    token = (await lost.open(lost.alice, grantId)).token
    await lost.close() // and its database with it
    left = await traces(vault)
    expect(left.length).toBeGreaterThanOrEqual(3)
  }, 120_000)
  afterAll(() => vault?.stop())

  async function swept(instance: string) {
    const broker = await startBroker({ config: { instance } })
    try {
      const { integrationId } = await inhabit(broker, vault, await furnished(vault))
      const report = await broker.admin.must(broker.admin.post(`/api/integrations/${integrationId}/sweep`))
      return { report, log: broker.log.join('') }
    } finally {
      await broker.close()
    }
  }

  it('is none of another installation’s business', async () => {
    const { report } = await swept('1000000002')
    expect(report).toMatchObject({ removed: [], left: [] })
    expect(report.foreign.length).toBeGreaterThan(0)
    expect(await traces(vault)).toEqual(left)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
  })

  it('is found and removed by the next one of its installation, although that knows nothing of it', async () => {
    await vault.api('PUT', 'sys/policies/acl/apono-g-somebodys', { policy: '{"path":{}}' })
    const { report } = await swept('1000000001')
    // A sweep of its own at the start may have been first.
    expect(report).toMatchObject({ left: [], altered: [] })
    expect(report.foreign).toEqual([expect.stringContaining('apono-g-somebodys')])
    expect(await traces(vault)).toEqual(['policy apono-g-somebodys'])
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
  })
})
