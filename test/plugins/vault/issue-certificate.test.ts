import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { issueCertificate } from '../../../plugins/vault/certificates/issue-certificate.ts'
import { keyDigestIn } from '../../../plugins/vault/certificates/issued.ts'
import { keyOfRequest } from '../../../plugins/vault/certificates/signing-request.ts'
import type { VaultClient } from '../../../plugins/vault/client.ts'
import { requestFor } from '../../../src/distribution/certificates/signing-request.ts'
import { type RunContext } from '../../../src/sdk/index.ts'
import { pkiReady } from '../../support/certificate-sources.ts'
import { describeReversible } from '../conformance/reversible-action.ts'
import { done, planned, undone } from './kv-secrets.ts'
import { losing } from './lost-answer.ts'
import { type VaultWorld, vaultWorld } from './vault-world.ts'

const servers = await serversUnderTest()
const NAMES = { commonName: 'issued.example.com', domains: ['issued.example.com', 'www.issued.example.com'] }
const fresh = async (kind: 'rsa-2048' | 'ec-p256' = 'rsa-2048', role = 'web') => ({
  mount: 'pki',
  role,
  ...NAMES,
  csr: (await requestFor(kind, NAMES)).request,
})

const pkiWorld = async (binary: (typeof servers)[number]) => {
  const world = await vaultWorld(
    { capabilities: ['issue-certificates'], pkiRoles: ['web', 'any'].map((role) => ({ mount: 'pki', role })) },
    binary,
  )
  await pkiReady(world.server)
  return world
}

/** Of the certificates for a key, as an administrator sees them: whether each is revoked. */
async function revokedFor({ api }: VaultWorld, csr: string): Promise<boolean[]> {
  const serials: string[] = (await api('GET', 'pki/certs?list=true')).body.data.keys
  const all = await Promise.all(serials.map(async (serial) => (await api('GET', `pki/cert/${serial}`)).body.data))
  return all.filter(({ certificate }) => keyDigestIn(certificate) === keyOfRequest(csr)).map((each) => each.revocation_time > 0)
}

for (const binary of servers) {
  describeReversible(`The issue of a certificate on ${binary.product}`, async () => {
    const world = await pkiWorld(binary)
    const input = issueCertificate.input.parse(await fresh())
    return {
      action: issueCertificate,
      input,
      newRun: () => world.run(),
      snapshot: async () => (await revokedFor(world, input.csr)).some((isRevoked) => !isRevoked),
      stop: () => world.stop(),
    }
  })
}

describe.each(servers)('The issue of a certificate on $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await pkiWorld(binary)
  })
  afterAll(() => world?.stop())

  it.each([
    ['rsa-2048', 'web'],
    ['ec-p256', 'any'],
  ] as const)('is for the key of the request (%s), and has its names and its issuers', async (kind, role) => {
    const input = await fresh(kind, role)
    const { steps } = await done(issueCertificate, await planned(world, issueCertificate, input))
    const { certificatePem, chainPem } = steps[0]!.record as { certificatePem: string; chainPem: string }
    const read = new X509Certificate(certificatePem)
    expect(keyDigestIn(certificatePem)).toBe(keyOfRequest(input.csr))
    expect(read.subjectAltName).toBe('DNS:issued.example.com, DNS:www.issued.example.com')
    expect(read.verify(new X509Certificate(chainPem).publicKey)).toBe(true)
  })

  it('is found where its answer was lost, and not made a second time', async () => {
    const input = await fresh()
    const use = await planned(world, issueCertificate, input)
    await expect(issueCertificate.execute(unanswered(use.ctx), use.steps[0]!)).rejects.toMatchObject({
      code: 'target.unreachable',
    })
    expect(await revokedFor(world, input.csr)).toEqual([false])
    const { steps } = await done(issueCertificate, { ...use, ctx: { ...use.ctx, again: true } })
    expect(await revokedFor(world, input.csr), 'one alone').toEqual([false])
    const { certificatePem, chainPem } = steps[0]!.record as { certificatePem: string; chainPem: string }
    expect(keyDigestIn(certificatePem)).toBe(keyOfRequest(input.csr))
    expect(new X509Certificate(certificatePem).verify(new X509Certificate(chainPem).publicKey)).toBe(true)
    await undone(issueCertificate, { ...use, steps })
    expect(await revokedFor(world, input.csr)).toEqual([true])
  })

  it('is revoked where its answer was lost and it is not wanted any more', async () => {
    const input = await fresh()
    const use = await planned(world, issueCertificate, input)
    await expect(issueCertificate.execute(unanswered(use.ctx), use.steps[0]!)).rejects.toMatchObject({
      code: 'target.unreachable',
    })
    await undone(issueCertificate, use)
    expect(await revokedFor(world, input.csr)).toEqual([true])
    expect((await issueCertificate.verifyGone!(use.ctx, use.steps)).map(({ holds }) => holds)).toEqual([true])
  })

  it('is refused where what is given is no signing request', async () => {
    const input = { ...(await fresh()), csr: '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n' }
    expect(issueCertificate.input.safeParse(input).error?.issues).toMatchObject([{ path: ['csr'] }])
  })
})

/** What asks for the signature reaches the server; its answer does not come back. */
const unanswered = (ctx: RunContext<VaultClient>) => losing(ctx, ({ path }) => path.includes('sign')).ctx
