import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { makeChain } from '../support/certificates.ts'
import { preparedForCertificates } from '../support/distribution-world.ts'
import { startWorld, type World } from '../support/world.ts'

interface Call {
  readonly asked: string
  readonly requestId: string
  readonly requestIdBy: string
  readonly correlationId: string
}

describe.each(await serversUnderTest())('What the broker does at $product', (binary) => {
  let vault: VaultServer
  let world: World

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { settings: { capabilities: ['discovery', 'grants', 'rotate-secrets'] } })
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const admin = () => world.broker.admin
  /** the calls of one event of the trail */
  const callsOf = async (subject: string, kind: string): Promise<Call[]> => {
    const { items } = await admin().must(admin().get(`/api/audit?subject=${subject}`))
    return items
      .filter((event: { kind: string }) => event.kind === kind)
      .flatMap(({ data }: { data: { calls: [] } }) => data.calls)
  }
  /** Each of them stands in the server's own audit log under the ids that the trail has, as that very call. */
  const expectAudited = async (calls: readonly Call[], asked: readonly RegExp[]) => {
    for (const expected of asked)
      expect(
        calls.some((call) => expected.test(call.asked)),
        `${expected} in ${JSON.stringify(calls)}`,
      ).toBe(true)
    const requests = (await vault.auditLines()).flatMap(({ request }) => request ?? [])
    for (const { asked: said, requestId, requestIdBy, correlationId } of calls) {
      const path = said.replace(/^\S+ /, '')
      const found = requests.filter(({ id, headers }) =>
        requestIdBy === 'target' ? id === requestId : (headers?.['x-correlation-id'] ?? []).includes(requestId),
      )
      expect(found.length, said).toBeGreaterThan(0)
      for (const request of found) {
        expect(request.path).toBe(path)
        expect(request.headers['x-correlation-id']).toContain(correlationId)
      }
    }
  }
  const run = (id: string) => admin().must(admin().get(`/api/runs/${id}`))
  const receiptOf = (id: string) => admin().must(admin().get(`/api/runs/${id}/receipt`))

  it('for access stands in the server’s audit log: provisioning, opening, extension and end', async () => {
    const { alice } = world
    const flow = await world.flow({ extensions: { count: 1, maxSeconds: 600 } })
    const grant = await world.grant(alice, { flowId: flow.id, seconds: 300 })
    await expectAudited(await callsOf(grant, 'grant.active'), [/^\w+ auth\/apono\/users\//, /^\w+ sys\/policies\/acl\/apono-g-/])
    await world.open(alice, grant)
    await expectAudited(await callsOf(grant, 'credential.delivered'), [/^\w+ auth\/apono\/login\//])
    await alice.api.must(alice.api.post(`/api/grants/${grant}/extend`, { seconds: 60 }))
    const extended = await waitFor('the target to hold the new end', async () => {
      const calls = await callsOf(grant, 'grant.prolonged')
      return calls.length > 0 && calls
    })
    await expectAudited(extended, [/./])
    const steps = await alice.api.must(alice.api.get(`/api/grants/${grant}/steps`))
    await expectAudited(
      steps.flatMap(({ calls }: { calls: Call[] }) => calls),
      [/^\w+ auth\/apono\/users\//],
    )
    await alice.api.must(alice.api.post(`/api/grants/${grant}/give-back`))
    await world.until(alice, grant, 'revoked')
    await expectAudited(await callsOf(grant, 'grant.revoked'), [
      /^DELETE sys\/policies\/acl\/apono-g-/,
      /^DELETE auth\/apono\/users\//,
      /leases\/revoke-prefix/,
    ])
  })

  it('for a run stands there, what was done and what was undone, and its receipt names it', async () => {
    const input = { mount: 'kv', path: 'app/cache', fields: { password: { by: 'recipe', length: 24 } } }
    const order = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'a test' }
    const { id } = await admin().must(admin().post('/api/runs', order))
    await waitFor('it to be done', async () => (await run(id)).state === 'executed')
    const { done } = await receiptOf(id)
    expect(done.calls).toEqual(await callsOf(id, 'run.executed'))
    await expectAudited(done.calls, [/^POST kv\/data\/app\/cache$/])
    await admin().must(admin().post(`/api/runs/${id}/rollback`, { reason: 'back' }))
    await waitFor('it to be undone', async () => (await run(id)).state === 'undone')
    const { undone } = await receiptOf(id)
    expect(undone.calls).toEqual(await callsOf(id, 'run.undone'))
    await expectAudited(undone.calls, [/^POST kv\/data\/app\/cache$/])
    expect(undone.calls[0].requestId).not.toBe(done.calls[0].requestId)
    const steps = await admin().must(admin().get(`/api/runs/${id}/steps`))
    expect(steps.flatMap(({ calls }: { calls: object[] }) => calls)).toEqual([...done.calls, ...undone.calls])
  })

  it('for one target of a distribution stands there, and the receipt of its change names it', async () => {
    const login = await preparedForCertificates(vault)
    const destinations = [{ address: vault.address }]
    const credential = { name: 'certs', plugin: 'vault', login, destinations }
    const { id: credentialId } = await admin().must(admin().post('/api/target-credentials', credential))
    const location = { address: vault.address, path: 'certs/{{ .cn }}' }
    const { id: target } = await admin().must(admin().post('/api/targets', { name: 'eu', credentialId, location }))
    const { leaf, chain } = makeChain({ cn: 'custody.example.com', domains: ['custody.example.com'] })
    const certificate = { name: 'custody', certificate: leaf.pem, chain, privateKey: leaf.keyPem }
    const { id: certificateId } = await admin().must(admin().post('/api/certificates', certificate))
    const order = { certificateId, targetIds: [target], reason: 'a test' }
    const { id } = await admin().must(admin().post('/api/distributions', order))
    const part = await waitFor('it to be there', async () => {
      const { targets } = await admin().must(admin().get(`/api/distributions/${id}`))
      return targets[0].state === 'verified' && targets[0]
    })
    const { done } = await receiptOf(part.runId)
    expect(done.calls).toEqual(await callsOf(part.runId, 'run.executed'))
    await expectAudited(done.calls, [/^POST secret\/data\/certs\/custody\.example\.com$/])
  })
})
