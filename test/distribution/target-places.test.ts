import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { makeCertificate, makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld, preparedForCertificates } from '../support/distribution-world.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'

const NAMESPACE = 'team'
const servers = await serversUnderTest()

describe.each(servers)('A place for certificates on $product', (binary) => {
  let world: DistributionWorld

  beforeAll(async () => {
    world = await distributionWorld(binary)
  })
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
