import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { makeChain } from '../support/certificates.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { preparedForCertificates } from '../support/distribution-world.ts'
import { type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'
import { furnished, inhabit, type World } from '../support/world.ts'

interface Call {
  readonly to: string
  readonly requestId: string
  readonly requestIdBy: string
  readonly correlationId: string
}

describe.each(await serversUnderTest())('A call to $product whose answer never came', (binary) => {
  let vault: VaultServer
  let daemon: Daemon
  let proxy: FaultProxy
  let world: World<Daemon>

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    daemon = await startDaemon()
    proxy = await startFaultProxy(vault.address)
    const config = await furnished(vault, { capabilities: ['discovery', 'grants', 'rotate-secrets'] })
    world = await inhabit(daemon, vault, { ...config, address: proxy.url })
  }, 120_000)
  afterAll(async () => {
    await daemon?.close()
    await proxy?.close()
    await vault?.stop()
  })

  const admin = () => daemon.admin
  const LOST = {
    'as it was lost on the way': async () => {},
    'as the daemon died': () => daemon.kill(),
  }
  /** The server does what the next such call says, and nobody is told. Resolves when all are alive again. */
  const lose = (what: RegExp, meanwhile: () => Promise<void>) => {
    const struck = Promise.withResolvers<void>()
    proxy.always(async (call) => {
      if (!what.test(`${call.method} ${call.path}`)) return pass(call)
      proxy.always()
      await call.forward()
      await meanwhile()
      call.drop()
      struck.resolve()
    })
    return struck.promise.then(async () => {
      if (meanwhile === LOST['as the daemon died']) await daemon.start()
    })
  }
  /** Every write of the broker that the server's own log has of such a path is among the calls, and each of these is there. */
  const expectSame = async (path: RegExp, calls: readonly Call[]) => {
    const requests = (await vault.auditLines())
      .filter(({ type, request }) => type === 'request' && request?.headers?.['x-correlation-id'])
      .map(({ request: { headers, ...request } }) => ({ ...request, ids: [request.id, ...headers['x-correlation-id']] }))
    const written = requests.filter((one) => path.test(one.path) && ['create', 'update', 'delete'].includes(one.operation))
    expect(written.length).toBeGreaterThan(0)
    for (const { ids } of written) {
      const known = calls.some(({ requestId, correlationId }) => ids.includes(requestId) && ids.includes(correlationId))
      expect(known, `${ids} in ${JSON.stringify(calls)}`).toBe(true)
    }
    for (const { requestId, requestIdBy, correlationId } of calls) {
      expect(requestIdBy).toBe(requestId === correlationId ? 'broker' : 'target')
      expect(requests.flatMap(({ ids }) => ids)).toContain(requestId)
    }
  }
  const stateOf = async (id: string) => (await admin().get(`/api/runs/${id}`)).body?.state
  const until = (id: string, state: string) => waitFor(`${id} to be ${state}`, async () => (await stateOf(id)) === state)
  const receiptOf = (id: string) => admin().must(admin().get(`/api/runs/${id}/receipt`))

  for (const [number, [how, meanwhile]] of Object.entries(LOST).entries()) {
    it(`is named in the receipt of a run, ${how}: what was done, and what was undone`, async () => {
      const path = ['app/db', 'app/cache'][number]!
      const write = new RegExp(`^kv/data/${path}$`)
      const written = lose(new RegExp(`^POST kv/data/${path}$`), meanwhile)
      const input = { mount: 'kv', path, fields: { password: { by: 'recipe', length: 24 } } }
      const order = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'a test' }
      const { id } = await admin().must(admin().post('/api/runs', order))
      await written
      await until(id, 'executed')
      const { done } = await receiptOf(id)
      await expectSame(write, done.calls)

      const back = lose(new RegExp(`^POST kv/data/${path}$`), meanwhile)
      await admin().must(admin().post(`/api/runs/${id}/rollback`, { reason: 'back' }))
      await back
      await until(id, 'undone')
      const { undone } = await receiptOf(id)
      expect(undone.calls.every(({ to }: Call) => to === 'undo')).toBe(true)
      await expectSame(write, [...done.calls, ...undone.calls])
    })

    it(`is named with the steps of access, ${how}: the user, the policy, and both ends`, async () => {
      const flow = await world.flow()
      const user = lose(/^(POST|PUT) auth\/apono\/users\/(?!0-)/, meanwhile)
      const { grantId } = await world.request(world.alice, { flowId: flow.id, seconds: 300 })
      await user
      await world.until(world.alice, grantId!, 'active')
      const cut = lose(/^DELETE sys\/policies\/acl\/apono-g-/, meanwhile)
      await world.alice.api.post(`/api/grants/${grantId}/give-back`).catch(() => undefined)
      await cut
      await world.until(world.alice, grantId!, /revoked|expired/)
      const steps = await world.alice.api.must(world.alice.api.get(`/api/grants/${grantId}/steps`))
      const calls: Call[] = steps.flatMap((step: { calls: Call[] }) => step.calls)
      const name = steps[0].target.split('/').at(-1)
      await expectSame(new RegExp(`^(auth/apono/users|sys/policies/acl)/.*${name.slice(-20)}`), calls)
    })
  }

  it('is named in the receipt of a target of a distribution, as the daemon died, and so is one without a body', async () => {
    const login = await preparedForCertificates(vault)
    const credential = { name: 'certs', plugin: 'vault', login, destinations: [{ address: proxy.url }] }
    const { id: credentialId } = await admin().must(admin().post('/api/target-credentials', credential))
    const location = { address: proxy.url, path: 'certs/{{ .cn }}' }
    const { id: target } = await admin().must(admin().post('/api/targets', { name: 'eu', credentialId, location }))
    const { leaf, chain } = makeChain({ cn: 'lost.example.com', domains: ['lost.example.com'] })
    const certificate = { name: 'lost', certificate: leaf.pem, chain, privateKey: leaf.keyPem }
    const { id: certificateId } = await admin().must(admin().post('/api/certificates', certificate))
    const struck = lose(/^POST secret\/data\/certs\/lost/, LOST['as the daemon died'])
    const { id } = await admin().must(admin().post('/api/distributions', { certificateId, targetIds: [target], reason: 'x' }))
    await struck
    const part = await waitFor('it to be there', async () => {
      const targets = (await admin().get(`/api/distributions/${id}`)).body?.targets
      return targets?.[0].state === 'verified' && targets[0]
    })
    const { done } = await receiptOf(part.runId)
    await expectSame(/^secret\/data\/certs\/lost/, done.calls)
    // An answer without a body has no id of the server's.
    await admin().must(admin().post(`/api/distributions/${id}/rollback`, { reason: 'back' }))
    await until(part.runId, 'undone')
    const { undone } = await receiptOf(part.runId)
    expect(undone.calls).toMatchObject([{ observed: '204', requestIdBy: 'broker' }])
    await expectSame(/^secret\/delete\/certs\/lost/, undone.calls)
  })
})
