import { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Connections } from '../../src/integrations/connections/connections.ts'
import type { Api } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { makeCertificate, makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld, preparedForCertificates } from '../support/distribution-world.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { startRelay } from '../support/relay.ts'

const NAMESPACE = 'team'
const servers = await serversUnderTest()

describe.each(servers)('A place for certificates on $product', (binary) => {
  let world: DistributionWorld

  beforeAll(async () => {
    world = await distributionWorld(binary)
  })
  afterEach(() => vi.restoreAllMocks())
  afterAll(() => world?.stop())

  const certificate = async (cn: string) => {
    const made = makeChain({ cn, domains: [cn] })
    return { id: await world.certificate(made), fingerprint: new X509Certificate(made.leaf.pem).fingerprint256 }
  }

  // Vault has them in its enterprise edition alone.
  it.runIf(binary.product === 'openbao')('may be in a namespace, and what is beside it stays as it is', async () => {
    const { server, admin } = world
    expect((await server.api('POST', `sys/namespaces/${NAMESPACE}`, {})).status).toBeLessThan(300)
    const api: VaultServer['api'] = (method, path, body, headers) =>
      server.api(method, path, body, { 'x-vault-namespace': NAMESPACE, ...headers })
    const login = await preparedForCertificates({ ...server, api })
    const destination = { address: server.address, namespace: NAMESPACE }
    const body = { name: 'of the team', plugin: 'vault', login, destinations: [destination] }
    const { id: credentialId } = await admin.must(admin.post('/api/target-credentials', body))
    const target = await world.target('in the namespace', { ...destination }, { credentialId })
    const { id, fingerprint } = await certificate('spaced.example.com')
    const beside = { data: { note: 'of the root namespace' } }
    await server.api('POST', 'secret/data/certs/spaced.example.com', beside)
    const ordered = await world.distribute(id, [target])
    expect((await world.settled(ordered)).state).toBe('done')
    const stored = (await api('GET', 'secret/data/certs/spaced.example.com')).body.data.data
    expect(new X509Certificate(stored.certificate).fingerprint256).toBe(fingerprint)
    await admin.must(admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }))
    expect((await world.settled(ordered)).state).toBe('rolled_back')
    expect((await api('GET', 'secret/data/certs/spaced.example.com')).body.data.data).toBeNull()
    expect((await server.api('GET', 'secret/data/certs/spaced.example.com')).body.data).toMatchObject(beside)
  })

  it('is reached over TLS where its own CA vouches for it, and by no other', async () => {
    const { admin } = world
    const server = await startVaultServer({ binary, tls: true, audit: false })
    try {
      const login = await preparedForCertificates(server)
      const other = makeCertificate({ cn: 'another CA', isCa: true }).pem
      const destinations = [server.caPem, other].map((caPem) => ({ address: server.address, caPem }))
      const credential = { name: 'over TLS', plugin: 'vault', login, destinations }
      const { id: credentialId } = await admin.must(admin.post('/api/target-credentials', credential))
      const location = { address: server.address, path: 'certs/{{ .cn }}' }
      const strange = { name: 'a stranger', credentialId, location: { ...location, caPem: other } }
      const refused = await admin.post('/api/targets', strange)
      expect(refused.body, refused.text).toMatchObject({ status: 422, message: expect.stringMatching(/certificate/) })
      const target = await world.target('over TLS', { ...location, caPem: server.caPem }, { credentialId })
      const { id, fingerprint } = await certificate('over-tls.example.com')
      expect((await world.settled(await world.distribute(id, [target]))).state).toBe('done')
      const stored = (await server.api('GET', 'secret/data/certs/over-tls.example.com')).body.data.data
      expect(new X509Certificate(stored.certificate).fingerprint256).toBe(fingerprint)
    } finally {
      await server.stop()
    }
  })

  it('is written to with a token that reads and writes nothing beside its pattern', async () => {
    const { server, login } = world
    await server.api('POST', 'secret/data/other/db', { data: { password: 'x' } })
    const { body } = await server.api('POST', 'auth/approle/login', { role_id: login.roleId, secret_id: login.secretId })
    const token: string = body.auth.client_token
    const tried = async (method: 'GET' | 'POST' | 'DELETE', path: string, data?: object) =>
      (await server.api(method, path, data, { 'x-vault-token': token })).status
    expect(await tried('GET', 'secret/data/other/db')).toBe(403)
    expect(await tried('POST', 'secret/data/other/db', { data: {} })).toBe(403)
    expect(await tried('GET', 'secret/metadata/other?list=true')).toBe(403)
    expect(await tried('GET', 'secret/metadata/certs?list=true')).toBe(403)
    expect(await tried('DELETE', 'secret/metadata/certs/a.example.com')).toBe(403)
    expect(await tried('GET', 'sys/policies/acl/latchkey-certs')).toBe(403)
    expect(await tried('POST', 'auth/token/create', {})).toBe(403)
  })

  it('is sent to by no admin alone where it has moved since two accepted it', async () => {
    const { admin, broker } = world
    const relay = await startRelay(world.server.address)
    const target = await world.target('moves', { address: relay.url, path: 'certs/accepted/{{ .cn }}' })
    const { id } = await certificate('accepted.example.com')
    relay.leadTo(undefined)
    const ordered = await world.distribute(id, [target])
    const say = (by: Api, what: string) => by.post(`/api/distributions/${ordered}/${what}`, { reason: 'it moves' })
    await waitFor('it to be on its way', async () => (await world.get(ordered)).targets[0].runId !== null)
    await admin.must(say(admin, 'cancel'))
    await world.settled(ordered)
    const { location } = await admin.must(admin.get(`/api/targets/${target}`))
    const since = { location: { ...location, path: 'certs/since/{{ .cn }}' }, skipTest: true }
    await admin.must(admin.patch(`/api/targets/${target}`, since))
    relay.leadTo(world.server.address)
    const careful = await startBroker({ database: broker.database, key: broker.key, config: { fourEyes: true } })
    const refused = await say(careful.admin, 'resume')
    expect(refused.body, refused.text).toMatchObject({
      status: 409,
      field: 'targetIds',
      message: expect.stringContaining('moves was changed since two admins accepted it'),
      fix: expect.stringContaining('a second admin accepts it'),
    })
    expect((await world.server.api('GET', 'secret/data/certs/since/accepted.example.com')).status).toBe(404)
    await careful.close()
    await relay.close()
  })

  it('is left without a session of the broker also where it was put back while another was waited for', async () => {
    const { admin, broker } = world
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const target = await world.target('twice', { path: 'certs/twice/{{ .cn }}' })
    const hung = await world.target('never answers', { address, timeoutSeconds: 60 }, { skipTest: true })
    const last = await world.target('comes last', { path: 'certs/last/{{ .cn }}' })
    const { id } = await certificate('twice.example.com')
    const ordered = await world.distribute(id, [target, hung, last], { batchSize: 1 })
    const [held] = await broker.database.query('select integration_id as id from distribution_targets where id = $1', [target])
    const isHeld = () =>
      broker.app
        .get(Connections)
        .all()
        .some(({ integration }) => integration.id === held!['id'])
    const isLeft = () => waitFor('the session with it to be ended', async () => !isHeld())
    const is = (state: string) => waitFor(`it to be ${state}`, async () => (await world.get(ordered)).targets[0].state === state)
    await waitFor('the second to be begun with', async () => (await world.get(ordered)).targets[1].runId !== null)
    // It takes the only place there is for as long as this lasts.
    await broker.database.query(`update ordered_runs set created_at = now() + interval '1 hour' where id = $1`, [
      (await world.get(ordered)).targets[1].runId,
    ])
    await is('verified')
    await isLeft()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now()) // all of it within one look
    await admin.must(admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong', targetIds: [target] }))
    await is('rolled_back')
    await isLeft()
    clock.mockRestore()
    await admin.must(admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'enough' }))
    await world.settled(ordered)
    silent.close()
  })

  it.each([
    [200, 'active', undefined],
    [429, 'a standby', undefined],
    [473, 'a performance standby', undefined],
    [472, 'a disaster recovery secondary', /secondary is reached, but it takes neither logins nor writes/],
    [501, 'not initialised', /never initialised/],
    [503, 'sealed', /is sealed/],
  ])('is saved or refused by what its server says of its health: %i, %s', async (status, what, refused) => {
    const proxy = await startFaultProxy(world.server.address)
    proxy.always(async (call) => {
      const reply = await call.forward()
      await call.reply(call.path === 'sys/health' ? { ...reply, status } : reply)
    })
    const body = {
      name: what,
      credentialId: await world.credential(`for ${what}`, [proxy.url]),
      location: { address: proxy.url, path: 'certs/{{ .cn }}' },
    }
    const saved = await world.admin.post('/api/targets', body)
    if (refused) expect(saved.body, saved.text).toMatchObject({ status: 422, message: expect.stringMatching(refused) })
    else expect(saved.status, saved.text).toBe(201)
    await proxy.close()
  })
})
