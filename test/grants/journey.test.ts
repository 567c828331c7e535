import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { startWorld, traces, tries, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('the main job, on $product $version', (binary) => {
  let vault: VaultServer
  let world: World

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  it('makes one secret readable for one person for a while, and then proves that it is not', async () => {
    const { alice, bob, broker } = world
    const flow = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    const asked = await world.request(alice, { flowId: flow.id, seconds: 4 })
    expect(asked.state).toBe('pending')

    const decided = await bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' })
    expect(decided.body, decided.text).toMatchObject({ state: 'approved' })
    const grantId: string = decided.body.grantId
    const active = await world.until(alice, grantId, 'active')
    expect(active.guarantee).toBe('server')

    const { token } = await world.open(alice, grantId)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
    expect(await tries(vault, token, 'GET', 'kv/data/app/cache')).toBe(403)

    const over = await world.until(alice, grantId, 'expired')
    expect(over.endReason).toBe('expired')
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
    expect(await traces(vault)).toEqual([])
    const receipt = await alice.api.must(alice.api.get(`/api/grants/${grantId}/receipt`))
    expect(receipt.evidence.length).toBeGreaterThanOrEqual(4)
    expect(receipt.evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
    expect(broker.log.join('')).not.toContain(token)
  })
})
