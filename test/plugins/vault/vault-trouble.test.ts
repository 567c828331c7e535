import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { minimumPolicy } from '../../../plugins/vault/minimum-policy.ts'
import { configFor, paused } from '../../support/vault-broker.ts'
import { startWorld, traces, type World } from '../../support/world.ts'

const token = { method: 'token', token: 'nobody’s' }

describe('a grant, while its Vault is', () => {
  let vault: VaultServer
  let world: World
  let grantId: string
  beforeAll(async () => {
    vault = await startVaultServer()
    world = await startWorld(vault, { settings: { timeoutSeconds: 2 } })
    grantId = await world.grant(world.alice, {})
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const TROUBLES: [
    what: string,
    begin: () => Promise<unknown>,
    end: () => Promise<unknown>,
    status: number,
    code: string,
    fix: RegExp,
  ][] = [
    ['sealed', () => vault.seal(), () => vault.unseal(), 503, 'target.unready', /unseal/],
    ['standing still', () => paused(vault), async () => vault.resume(), 504, 'target.timeout', /./],
    ['gone', () => vault.kill('SIGKILL'), () => vault.restart(), 502, 'target.unreachable', /check the address/],
    [
      'refusing the broker',
      () => vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: '{"path":{}}' }),
      async () =>
        vault.api('PUT', 'sys/policies/acl/latchkey-broker', {
          policy: minimumPolicy(configFor(vault.address, { auth: token })).document,
        }),
      502,
      'target.denied',
      /auth\/apono\/users/,
    ],
  ]

  it.each(TROUBLES)(
    '%s, is not opened, says why and what to do, and opens afterwards',
    async (_, begin, end, status, code, fix) => {
      const { alice, broker, integrationId } = world
      await begin()
      let refused: Awaited<ReturnType<typeof alice.api.post>>
      let sync: { state: string; error: { code: string } | null }
      try {
        refused = await alice.api.post(`/api/grants/${grantId}/open`)
        expect(await broker.admin.post(`/api/integrations/${integrationId}/health`)).toMatchObject({
          status: 200,
          body: { healthy: false },
        })
        await broker.admin.must(broker.admin.post(`/api/integrations/${integrationId}/sync`))
        sync = await waitFor('the sync to end', async () => {
          const run = await broker.admin.must(broker.admin.get(`/api/integrations/${integrationId}/sync`))
          return run.state !== 'running' && run
        })
      } finally {
        await end()
      }
      expect(refused).toMatchObject({ status, body: { code, message: expect.any(String), fix: expect.stringMatching(fix) } })
      expect(sync.state).toMatch(/failed|incomplete/)
      const resources = await broker.admin.must(broker.admin.get(`/api/resources?integration=${integrationId}`))
      expect(resources.items.length).toBeGreaterThan(4)
      await waitFor(
        'the grant to be opened',
        async () => {
          const again = await alice.api.post(`/api/grants/${grantId}/open`)
          return again.status === 200
        },
        30_000,
      )
      expect(
        await broker.database.query(
          `select id from openings where grant_id = $1 and state in ('opening', 'delivered', 'collected')`,
          [grantId],
        ),
      ).toHaveLength(1)
    },
  )

  it('back, is given back without a trace', async () => {
    await world.alice.api.must(world.alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(world.alice, grantId, 'revoked')
    expect(await traces(vault)).toEqual([])
  })
})
