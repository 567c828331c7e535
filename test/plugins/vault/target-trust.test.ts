import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { files } from '../../../dev/vault/vault-config.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../../support/broker.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { connected, paused, prepared } from '../../support/vault-broker.ts'

const SELF = { method: 'GET', path: ['auth/token/lookup-self'] } as const

describe.each(await serversUnderTest())('the trust between the broker and a $product $version', (binary) => {
  let dir: string
  let vault: VaultServer
  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-trust-'))
    vault = await startVaultServer({ binary, tls: true, dir })
  })
  afterAll(async () => {
    await vault?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('goes by what the CA file says now: at once when a certificate is not accepted, and within a minute when it is no longer', async () => {
    const caFile = path.join(dir, 'rotated.pem')
    const [wrong] = rootCertificates
    const right = await readFile(files(dir).ca, 'utf8')
    await writeFile(caFile, wrong!)
    const { client, turn } = await connected(vault.address, { auth: { method: 'token', token: vault.rootToken }, caFile })
    const refused = () => expect(client.call(SELF)).rejects.toMatchObject({ code: 'target.tls' })
    await refused()
    turn(300)
    await writeFile(caFile, right)
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.call(SELF)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    await writeFile(caFile, 'being written')
    turn(61)
    expect((await client.call(SELF)).status).toBe(200)
    await writeFile(caFile, wrong!)
    turn(61)
    await refused()
    await client.close()
  })
})

describe('a server whose certificate is on a curve that Node dies of', () => {
  it('is refused, and the broker lives', async () => {
    const { pem, keyPem } = makeCertificate({ cn: 'localhost', domains: ['localhost'], kind: 'brainpoolP256r1' })
    const server = https.createServer({ key: keyPem, cert: pem }, (_, response) => response.end('{}')).listen(0, 'localhost')
    await once(server, 'listening')
    const address = `https://localhost:${(server.address() as AddressInfo).port}`
    const { client } = await connected(address, { auth: { method: 'token', token: 'x' }, caPem: pem })
    await expect(client.call(SELF)).rejects.toMatchObject({ code: expect.stringMatching(/^target\.(tls|unreachable)$/) })
    await client.close()
    server.close()
  })
})

describe('an integration that shows a client certificate', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker?.close())

  const pem = (passphrase?: string) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const sealed = passphrase ? { cipher: 'aes-256-cbc', passphrase } : {}
    return privateKey.export({ type: 'pkcs8', format: 'pem', ...sealed }).toString()
  }
  it.each([
    ['belongs to another certificate', pem(), /does not belong to the certificate/],
    ['is encrypted', pem('a passphrase'), /encrypted/],
    ['is a certificate', rootCertificates[0]!, /private key/],
    ['is empty', ' ', /private key|missing|empty/],
    ['is missing', undefined, /missing/],
  ])('is refused with the field where its key %s', async (_, privateKeyPem, says) => {
    const auth = { method: 'cert', certificatePem: rootCertificates[0], ...(privateKeyPem && { privateKeyPem }) }
    const config = { address: 'https://vault.example.test:8200', auth }
    const { status, body } = await broker.admin.post('/api/integrations/test', { plugin: 'vault', config })
    expect({ status, field: body.field }).toEqual({ status: 400, field: 'config.auth.privateKeyPem' })
    expect(body.message).toMatch(says)
  })
})

describe.each(await serversUnderTest())('an integration whose token ends while its $product $version is silent', (binary) => {
  let vault: VaultServer
  let broker: Broker
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    broker = await startBroker()
  })
  afterAll(async () => {
    await broker?.close()
    await vault?.stop()
  })

  it('shows as not ok at once, and not only when a call has waited its time', async () => {
    const { approle } = await prepared(vault)
    await vault.api('POST', 'auth/approle/role/latchkey', { token_ttl: '4s', token_max_ttl: '4s' })
    const { admin } = broker
    const config = { address: vault.address, kvMounts: ['kv'], transitMounts: ['transit'], auth: approle, timeoutSeconds: 90 }
    const { id } = await admin.must(admin.post('/api/integrations', { name: 'brief', plugin: 'vault', config }))
    await admin.must(admin.post(`/api/integrations/${id}/health`))
    const session = async () => (await admin.must(admin.get(`/api/integrations/${id}`))).session
    expect(await session()).toMatchObject({ ok: true })
    await paused(vault)
    try {
      await waitFor('the session to show as lost', async () => (await session()).ok === false, 20_000)
    } finally {
      vault.resume()
    }
    await waitFor('the session to be back', async () => (await session()).ok === true)
  })
})
