import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startWorld, traces, tracesOfProbes, tries, usersOfGrants, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('a grant on $product $version', (binary) => {
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

  /** Nothing of a grant is left, and the receipt says so with ids that the server's own audit log knows. */
  async function expectProvedGone(grantId: string): Promise<void> {
    const { body: receipt } = await world.broker.admin.get(`/api/grants/${grantId}/receipt`)
    const artefacts = receipt.evidence.map((piece: { artefact: string }) => piece.artefact.split(' ')[0])
    expect(artefacts.toSorted()).toEqual(['identity', 'policy', 'tokens', 'user'])
    expect(receipt.evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
    const requests = (await vault.auditLines()).flatMap((line) => line['request'] ?? [])
    const own = new Set(requests.map(({ id }) => id))
    const sent = new Set(requests.flatMap(({ headers }) => headers?.['x-correlation-id'] ?? []))
    for (const { requestId, requestIdBy, correlationId, correlationAudited } of receipt.evidence) {
      expect(requestIdBy === 'target' ? own : sent, requestId).toContain(requestId)
      expect(sent).toContain(correlationId)
      expect(correlationAudited).toBe(true)
    }
    // There is always some policy: the list of them is answered with a body, and so with the server's own id.
    const policy = receipt.evidence.find((piece: { artefact: string }) => piece.artefact.startsWith('policy'))
    expect(policy.requestIdBy).toBe('target')
    const told = await world.broker.admin.must(world.broker.admin.get(`/api/audit?subject=${grantId}`))
    const [end] = told.items.filter(({ data }: { data: { receipt?: unknown } }) => data.receipt)
    expect(end.data.receipt.evidence, 'the trail has the same ids').toEqual(receipt.evidence)
  }

  it('ends when it is given back: the token, the login, the policy, the user, its leases and its identity', async () => {
    const { alice } = world
    const grantId = await world.grant(alice, {})
    const { token } = await world.open(alice, grantId)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
    const [user] = await usersOfGrants(vault)

    expect((await alice.api.post(`/api/grants/${grantId}/give-back`)).status).toBe(202)
    await world.until(alice, grantId, 'revoked')

    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(403)
    expect((await vault.api('POST', `auth/apono/login/${user}`, { password: 'any' })).status).toBe(400)
    expect(await traces(vault)).toEqual([])
    await expectProvedGone(grantId)
    expect((await alice.api.post(`/api/grants/${grantId}/give-back`)).status).toBe(409)
  })

  it('is given again under names that the target has never seen', async () => {
    const { alice } = world
    const written = async () =>
      (await vault.auditLines())
        .filter(({ type, request }) => type === 'request' && /^(create|update)$/.test(request?.operation))
        .map(({ request }) => request.path as string)
        .filter((path) => /^(auth\/apono\/users\/|sys\/polic\w+\/(acl\/)?apono-g-)/.test(path) && !/probe|users\/0-/.test(path))
    for (let times = 0; times < 3; times += 1) {
      const before = await written()
      const grantId = await world.grant(alice, {})
      await world.open(alice, grantId)
      const names = new Set((await written()).slice(before.length))
      expect(names.size, [...names].join()).toBe(2)
      expect([...names].filter((name) => before.includes(name))).toEqual([])
      await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
      await world.until(alice, grantId, 'revoked')
    }
  })

  it('ends in the order that leaves no power behind: the policy, then the user, then what logins left', async () => {
    const { alice } = world
    const grantId = await world.grant(alice, {})
    await world.open(alice, grantId)
    const [user, policy] = await alice.api.must(alice.api.get(`/api/grants/${grantId}/steps`))
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await world.until(alice, grantId, 'revoked')
    const asked = (await vault.auditLines()).flatMap(({ type, request }) =>
      type === 'request' ? [`${request.operation} ${request.path}`] : [],
    )
    const removals = asked.slice(asked.findLastIndex((call) => call.startsWith('update auth/apono/login/')))
    const at = (call: string) => removals.findIndex((each) => each.startsWith(call))
    const order = [
      at(`delete ${policy.target}`),
      at(`delete ${user.target}`),
      at(`update sys/leases/revoke-prefix/auth/apono/login/${user.args.username}`),
      at(`read ${policy.target}`),
    ]
    expect(
      order.every((place) => place >= 0),
      JSON.stringify([order, removals]),
    ).toBe(true)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    // Nothing that was proved gone is touched again afterwards.
    expect(removals.slice(order[3]).filter((call) => call.startsWith('delete') || call.startsWith('update auth'))).toEqual([])
  })

  it('ends when an admin revokes it, or an approver of it, and nobody else', async () => {
    const { alice, bob, broker } = world
    const carol = await world.person('carol')
    const flow = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    for (const revoker of [bob.api, broker.admin]) {
      const { id } = await world.request(alice, { flowId: flow.id })
      const { grantId } = await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
      await world.until(alice, grantId, 'active')
      expect((await carol.api.post(`/api/grants/${grantId}/revoke`, { reason: 'mine' })).status).toBe(404)
      expect((await alice.api.post(`/api/grants/${grantId}/revoke`, { reason: 'mine' })).status).toBe(403)
      expect((await revoker.post(`/api/grants/${grantId}/revoke`, { reason: 'not needed any more' })).status).toBe(202)
      const over = await world.until(alice, grantId, 'revoked')
      expect(over).toMatchObject({ endReason: 'revoked', endNote: 'not needed any more' })
      await expectProvedGone(grantId)
    }
    expect(await traces(vault)).toEqual([])
  })

  it('leaves nothing when it is revoked while it is being provisioned', async () => {
    const { alice } = world
    const flow = await world.flow()
    for (let i = 0; i < 8; i += 1) {
      const { grantId } = await world.request(alice, { flowId: flow.id })
      // Somewhere between the approval and the last step: wherever it is, it ends.
      await new Promise((resolve) => setTimeout(resolve, i * 3))
      const answer = await alice.api.post(`/api/grants/${grantId}/give-back`)
      expect(answer.status, answer.text).toBe(202)
      await world.until(alice, grantId!, 'revoked')
    }
    expect(await traces(vault)).toEqual([])
  })

  it('leaves the other grants of the same person on the same secret alone', async () => {
    const { alice } = world
    const [one, two] = [await world.grant(alice, {}), await world.grant(alice, {})]
    const [first, second] = [await world.open(alice, one), await world.open(alice, two)]
    await alice.api.post(`/api/grants/${one}/give-back`)
    await world.until(alice, one, 'revoked')
    expect(await tries(vault, first.token, 'GET', 'kv/data/app/db')).toBe(403)
    expect(await tries(vault, second.token, 'GET', 'kv/data/app/db')).toBe(200)
    await alice.api.post(`/api/grants/${two}/give-back`)
    await world.until(alice, two, 'revoked')
    expect(await traces(vault)).toEqual([])
  })

  it('neither widens nor cuts another grant of the same person with other rights', async () => {
    const { alice } = world
    const [reading, writing] = [
      await world.grant(alice, { permissions: ['read'] }),
      await world.grant(alice, { permissions: ['write'] }),
    ]
    const [reader, writer] = [await world.open(alice, reading), await world.open(alice, writing)]
    const rightsOf = async (token: string) => [
      await tries(vault, token, 'GET', 'kv/data/app/cache'),
      await tries(vault, token, 'GET', 'kv/data/app/db'),
      await tries(vault, token, 'POST', 'kv/data/app/db', { data: { password: 'orange' } }),
    ]
    expect(await rightsOf(reader.token)).toEqual([403, 200, 403])
    expect(await rightsOf(writer.token)).toEqual([403, 403, 200])
    await alice.api.post(`/api/grants/${writing}/give-back`)
    await world.until(alice, writing, 'revoked')
    expect(await rightsOf(writer.token)).toEqual([403, 403, 403])
    expect(await rightsOf(reader.token), 'the other goes on as it was').toEqual([403, 200, 403])
    await alice.api.post(`/api/grants/${reading}/give-back`)
    await world.until(alice, reading, 'revoked')
    expect(await rightsOf(reader.token)).toEqual([403, 403, 403])
    expect(await traces(vault)).toEqual([])
  })

  it('ends within a minute when its grantee is disabled', async () => {
    const dave = await world.person('dave')
    const grantId = await world.grant(dave, {})
    const { token } = await world.open(dave, grantId)
    await world.broker.admin.must(world.broker.admin.patch(`/api/users/${dave.id}`, { state: 'disabled' }))
    await waitFor('the access to be gone', async () => (await tries(vault, token, 'GET', 'kv/data/app/db')) === 403, 60_000)
    await waitFor('the grant to be over', async () => {
      const { body } = await world.broker.admin.get(`/api/grants/${grantId}`)
      return body.state === 'revoked' && body.endReason === 'grantee_disabled'
    })
    await expectProvedGone(grantId)
  })

  it('is extended as its flow allows, so often and so far, and its tokens opened again last as long', async () => {
    const { alice } = world
    const flow = await world.flow({ extensions: { count: 1, maxSeconds: 600 } })
    const grantId = await world.grant(alice, { flowId: flow.id, seconds: 300 })
    const before = await world.until(alice, grantId, 'active')
    const tooLong = await alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 601 })
    expect(tooLong.body, tooLong.text).toMatchObject({ status: 422, code: 'access.denied' })
    const extended = await alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 600 })
    expect(extended.body, extended.text).toMatchObject({ state: 'approved', extendsGrantId: grantId })
    const after = await world.until(alice, grantId, 'active')
    expect(Date.parse(after.expiresAt) - Date.parse(before.expiresAt)).toBe(600_000)
    const again = await alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 1 })
    expect(again.body.message).toContain('already extended 1 times')
    const { token } = await world.open(alice, grantId)
    const { body } = await vault.api('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token })
    expect(body.data.ttl).toBeGreaterThan(880)
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await world.until(alice, grantId, 'revoked')
  })

  it('is either extended or over when both are wanted at the same moment', async () => {
    const { alice } = world
    const flow = await world.flow({ extensions: { count: 5, maxSeconds: 600 } })
    for (let i = 0; i < 5; i += 1) {
      const grantId = await world.grant(alice, { flowId: flow.id, seconds: 1 })
      const { expiresAt } = await world.until(alice, grantId, /./)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(expiresAt) - Date.now() - 4 + i * 2)))
      const answer = await alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 600 })
      if (answer.status === 201) {
        expect(await world.until(alice, grantId, 'active')).toMatchObject({ extensions: 1 })
        await alice.api.post(`/api/grants/${grantId}/give-back`)
        await world.until(alice, grantId, 'revoked')
        continue
      }
      expect(answer.status, answer.text).toBe(409)
      expect(await world.until(alice, grantId, 'expired')).toMatchObject({ extensions: 0 })
    }
    expect(await traces(vault)).toEqual([])
  })

  it('lasts for months without a timer that overflows', async () => {
    const { alice } = world
    const flow = await world.flow({ maxSeconds: 90 * 86_400 })
    const grantId = await world.grant(alice, { flowId: flow.id, seconds: 60 * 86_400 })
    const { token } = await world.open(alice, grantId)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
    expect(await world.until(alice, grantId, 'active')).toMatchObject({ seconds: 60 * 86_400 })
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await world.until(alice, grantId, 'revoked')
  })

  it('that somebody changed directly in the server is revoked, and the sweep says so', async () => {
    const { alice, broker } = world
    const grantId = await world.grant(alice, {})
    const steps = await alice.api.must(alice.api.get(`/api/grants/${grantId}/steps`))
    const policy = steps.find((step: { kind: string }) => step.kind === 'policy').args.name
    await vault.api('PUT', `sys/policies/acl/${policy}`, { policy: 'path "kv/data/*" { capabilities = ["read"] }' })
    const report = await broker.admin.must(broker.admin.post(`/api/integrations/${world.integrationId}/sweep`))
    expect(report.altered).toEqual([grantId])
    const over = await world.until(alice, grantId, 'revoked')
    expect(over.endNote).toContain(policy)
    expect(await traces(vault)).toEqual([])
  })

  it('is not all that the sweep looks for: what a broker left that died while it tried the server out goes too', async () => {
    const old = Math.floor(Date.now() / 1000) - 3600
    const now = Math.floor(Date.now() / 1000)
    for (const seconds of [old, now]) {
      await vault.api('PUT', `sys/policies/acl/apono-g-probe-${seconds}-7`, { policy: '{}' })
      await vault.api('POST', `auth/apono/users/0-${seconds}-7`, { password: 'nobody’s' })
    }
    const report = await world.broker.admin.must(world.broker.admin.post(`/api/integrations/${world.integrationId}/sweep`))
    expect(report.foreign).toEqual([])
    expect(await tracesOfProbes(vault)).toEqual([`policy apono-g-probe-${now}-7`, `user 0-${now}-7`])
    await vault.api('DELETE', `sys/policies/acl/apono-g-probe-${now}-7`)
    await vault.api('DELETE', `auth/apono/users/0-${now}-7`)
  })
})
