import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { vault as plugin } from '../../plugins/vault/index.ts'
import type { AnyPlugin, GrantAccessAction, GrantInput, Step } from '../../src/sdk/index.ts'
import { startWorld, traces, tries, type World } from '../support/world.ts'

type Action = GrantAccessAction<unknown, GrantInput>
interface Planned extends Step {
  readonly args: { readonly document: { readonly path: Record<string, { capabilities: string[] }> }; readonly name: string }
}

const action = plugin.grantAccess as unknown as Action

/** The plugin as its next version might be; `next` is what becomes of the step that writes the policy. */
const upgrade: { next?: ((policy: Planned) => Step) | undefined; knows: boolean } = { knows: true }
const upgradable = {
  ...plugin,
  grantAccess: {
    ...action,
    plan: async (context, input) =>
      (await action.plan(context, input)).map((step) =>
        step.kind === 'policy' && upgrade.next ? upgrade.next(step as Planned) : step,
      ),
    get exceeds() {
      return upgrade.knows ? action.exceeds : undefined
    },
  } as Action,
} as unknown as AnyPlugin

/** The policy with other rules for the secret. */
const allowing = (rules: Record<string, { capabilities: string[] }>) => (policy: Planned) => ({
  ...policy,
  args: { ...policy.args, document: { path: { ...policy.args.document.path, ...rules } } },
})

describe.each(await serversUnderTest())('a plan that was approved, on $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  let flow: { id: string }

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { plugins: [upgradable] })
    flow = await world.flow({ approval: { kind: 'approvers', users: [world.bob.id], groups: [], needed: 1 } })
  })
  afterEach(() => {
    upgrade.next = undefined
    upgrade.knows = true
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const integration = () => `/api/integrations/${world.integrationId}`

  /** Asked for, then something changes, then approved. */
  async function approvedAfter(change: () => unknown): Promise<string> {
    const { alice, bob } = world
    const { id } = await world.request(alice, { flowId: flow.id, permissions: ['write'] })
    await change()
    await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
    return (await alice.api.must(alice.api.get(`/api/access-requests/${id}`))).grantId
  }

  async function given(grantId: string): Promise<string> {
    await world.until(world.alice, grantId, 'active')
    const { token } = await world.open(world.alice, grantId)
    return token
  }

  async function giveBack(grantId: string): Promise<void> {
    await world.alice.api.must(world.alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(world.alice, grantId, 'revoked')
  }

  it.each([
    [
      'a capability more',
      allowing({ 'kv/data/app/db': { capabilities: ['create', 'update', 'patch', 'read'] } }),
      'read on kv/data/app/db',
    ],
    ['a path more', allowing({ 'kv/data/app/cache': { capabilities: ['read'] } }), 'read on kv/data/app/cache'],
    [
      'another policy',
      (policy: Planned) => ({ ...policy, target: `${policy.target}-2`, args: { ...policy.args, name: `${policy.args.name}-2` } }),
      '-2',
    ],
    [
      'what nobody can read',
      (policy: Planned) => ({ ...policy, args: { ...policy.args, document: { path: {}, all: true } } }),
      'another policy',
    ],
  ])('is not carried out with %s, and everybody is told why', async (_, next, excess) => {
    const { alice, broker } = world
    const grantId = await approvedAfter(() => {
      upgrade.next = next
    })
    const failed = await world.until(alice, grantId, 'failed')
    expect(failed.problem).toMatchObject({ code: 'access.plan_changed', fix: expect.stringContaining('ask again') })
    expect(failed.problem.message).toContain(excess)
    expect(await traces(vault)).toEqual([])
    expect(await broker.admin.must(broker.admin.get(`/api/grants/${grantId}/steps`)), 'nothing was begun').toEqual([])
    const { items } = await broker.admin.must(broker.admin.get(`/api/audit?kind=grant.plan_changed&subject=${grantId}`))
    expect(items).toMatchObject([{ data: { message: failed.problem.message } }])
  })

  it('is carried out with less, and when it is only worded otherwise', async () => {
    const less = await approvedAfter(() => {
      upgrade.next = allowing({ 'kv/data/app/db': { capabilities: ['patch', 'update'] } })
    })
    expect(await tries(vault, await given(less), 'POST', 'kv/data/app/db', { data: { of: 'less' } })).toBe(200)
    await giveBack(less)
    upgrade.next = undefined
    const worded = await approvedAfter(() => {
      upgrade.next = (policy) => ({ ...policy, summary: 'in other words' })
    })
    await given(worded)
    await giveBack(worded)
  })

  it('is carried out when the mount of its users was made again since', async () => {
    const grantId = await approvedAfter(async () => {
      await vault.api('DELETE', 'sys/auth/apono')
      await vault.api('POST', 'sys/auth/apono', { type: 'userpass' })
    })
    await given(grantId)
    await giveBack(grantId)
    expect(await traces(vault)).toEqual([])
  })

  it('is not carried out under other settings of its integration', async () => {
    const { broker } = world
    const { config } = await broker.admin.must(broker.admin.get(integration()))
    const change = (policyPrefix: string) =>
      broker.admin.must(broker.admin.patch(integration(), { config: { ...config, policyPrefix }, skipTest: true }))
    try {
      const grantId = await approvedAfter(() => change('elsewhere-g-'))
      const failed = await world.until(world.alice, grantId, 'failed')
      expect(failed.problem).toMatchObject({ code: 'access.plan_changed', message: expect.stringContaining('another') })
    } finally {
      await change(config.policyPrefix ?? 'apono-g-')
    }
  })

  it('of a plugin that cannot compare is carried out only as it was', async () => {
    upgrade.knows = false
    const same = await approvedAfter(() => {
      upgrade.next = (policy) => ({ ...policy, summary: 'in other words' })
    })
    await given(same)
    await giveBack(same)
    upgrade.next = undefined
    const less = await approvedAfter(() => {
      upgrade.next = allowing({ 'kv/data/app/db': { capabilities: ['update'] } })
    })
    expect((await world.until(world.alice, less, 'failed')).problem.code).toBe('access.plan_changed')
  })
})
