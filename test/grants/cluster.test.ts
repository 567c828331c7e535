import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { type ClusterNode, startVaultCluster, type VaultCluster } from '../../dev/vault/vault-cluster.ts'
import type { VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import { startWorld, traces, type World } from '../support/world.ts'

describe.each(await serversUnderTest())(
  'a cluster of three, spoken to by TLS through one address, on $product $version',
  (binary) => {
    let cluster: VaultCluster
    let balancer: Relay
    let vault: VaultServer
    let world: World

    beforeAll(async () => {
      cluster = await startVaultCluster(binary)
      balancer = await startRelay((await cluster.active()).address)
      // As root at whichever node is active; it is started and stopped with its cluster.
      vault = {
        address: `https://127.0.0.1:${balancer.port}`,
        api: async (...call: Parameters<VaultServer['api']>) => (await cluster.active()).api(...call),
      } as VaultServer
      world = await startWorld(vault, { settings: { caPem: cluster.caPem } })
    })
    afterAll(async () => {
      await world?.close()
      await balancer?.close()
      await cluster?.stop()
    })

    const at = (node: ClusterNode, token: string) =>
      node.api('GET', 'kv/data/app/db', undefined, { 'x-vault-token': token }).then(({ status }) => status)

    /** What any node lets a token do that is over: a standby may be a moment behind, and no node may stay there. */
    async function isOverEverywhere(token: string): Promise<void> {
      for (const node of cluster.nodes) await waitFor(`the end at ${node.address}`, async () => (await at(node, token)) === 403)
    }

    async function opened(grantId: string): Promise<string> {
      return waitFor('the access to be opened', async () => {
        const { status } = await world.alice.api.post(`/api/grants/${grantId}/open`)
        if (status !== 200) return undefined
        return (await world.open(world.alice, grantId)).token
      })
    }

    async function givenBack(grantId: string): Promise<void> {
      expect((await world.alice.api.post(`/api/grants/${grantId}/give-back`)).status).toBe(202)
      await world.until(world.alice, grantId, 'revoked', 60_000)
      const receipt = await world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}/receipt`))
      expect(receipt.evidence.length).toBeGreaterThan(2)
      expect(receipt.evidence.filter(({ gone }: { gone: boolean }) => !gone)).toEqual([])
    }

    it('lends, opens and takes back through a node that is a standby', async () => {
      const [standby] = await cluster.standbys()
      balancer.leadTo(standby!.address)
      const { checks } = await world.broker.admin.must(world.broker.admin.post(`/api/integrations/${world.integrationId}/health`))
      expect(JSON.stringify(checks)).toContain('a standby, which forwards')
      const grantId = await world.grant(world.alice, {})
      const token = await opened(grantId)
      for (const node of cluster.nodes)
        await waitFor(`the access at ${node.address}`, async () => (await at(node, token)) === 200)
      await givenBack(grantId)
      await isOverEverywhere(token)
      expect(await traces(vault)).toEqual([])
    })

    const STEPS_DOWN = async () => {
      await (await cluster.active()).api('PUT', 'sys/step-down')
    }
    let dead: ClusterNode | undefined
    const DIES = async () => {
      dead = await cluster.active()
      await dead.kill('SIGKILL')
      balancer.leadTo(cluster.nodes.find((node) => node !== dead)!.address)
    }
    const back = async () => {
      await dead?.start()
      dead = undefined
    }

    it.each([
      ['steps down', STEPS_DOWN, async () => (await cluster.standbys())[0]!, [2, 4]],
      ['dies', DIES, () => cluster.active(), [3]],
    ] as const)(
      'takes every access back at its end when the leader %s in the midst of giving, opening and ending it',
      async (_, change, where, moments) => {
        /** While `act` talks to the target, at one of its first calls and at a later one. */
        const inTheMidst = async <T>(pieces: number, act: () => Promise<T>): Promise<T> => {
          balancer.leadTo((await where()).address)
          let changed: Promise<void> | undefined
          balancer.afterSending(pieces, () => {
            changed = change()
          })
          const done = await act()
          expect(changed, 'it was in the midst').toBeDefined()
          await changed
          await back()
          return done
        }
        for (const pieces of moments) {
          const flow = await world.flow()
          const { grantId } = await inTheMidst(pieces, async () => {
            const request = await world.request(world.alice, { flowId: flow.id })
            await world.until(world.alice, request.grantId!, 'active', 60_000)
            return request
          })
          const token = await inTheMidst(pieces, () => opened(grantId!))
          expect(await at(await cluster.active(), token)).toBe(200)
          await inTheMidst(pieces, () => givenBack(grantId!))
          await isOverEverywhere(token)
        }
        expect(await traces(vault)).toEqual([])
      },
    )
  },
)
