import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export type KeyKind = 'rsa' | 'rsa-1024' | 'ec' | 'ed25519' | 'secp256k1' | 'brainpoolP256r1'

/** A certificate of a test's own making, and its key. */
export interface MadeCertificate {
  readonly pem: string
  readonly der: Buffer
  readonly key: KeyObject
  /** PKCS#8 */
  readonly keyPem: string
  readonly name: string
}

export interface CertificateWish {
  readonly cn: string
  readonly domains?: readonly string[]
  readonly kind?: KeyKind
  /** whose it is, where its holder made the key; what is answered as the certificate's key is then of nobody */
  readonly publicKey?: KeyObject
  /** signs it; itself unless given */
  readonly issuer?: MadeCertificate
  readonly isCa?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const DAY_MS = 86_400_000

/** Node reads certificates and cannot write any, and openssl may be missing: these few lines of DER write what the tests need. */
export function makeCertificate({
  cn,
  domains = [],
  kind = 'ec',
  publicKey: given,
  issuer,
  isCa = false,
  notBefore = new Date(Date.now() - DAY_MS),
  notAfter = new Date(Date.now() + 90 * DAY_MS),
}: CertificateWish): MadeCertificate {
  const { privateKey: key, publicKey } = keyPair(kind)
  const signer = issuer?.key ?? key
  const algorithm = algorithmOf(signer)
  const tbs = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer?.name ?? cn),
    sequence(time(notBefore), time(notAfter)),
    nameOf(cn),
    (given ?? publicKey).export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(basicConstraints(isCa), ...(domains.length > 0 ? [alternativeNames(domains)] : []))),
  )
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : 'sha256', tbs, signer)
  const der = sequence(tbs, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])))
  return { pem: pemOf(der), der, key, keyPem: String(key.export({ type: 'pkcs8', format: 'pem' })), name: cn }
}

/** A root, an issuer below it, and a certificate for these domains: `chain` is what comes after the certificate. */
export function makeChain(wish: CertificateWish) {
  const root = makeCertificate({ cn: `root of ${wish.cn}`, isCa: true, kind: wish.kind })
  const issuer = makeCertificate({ cn: `issuer of ${wish.cn}`, isCa: true, issuer: root, kind: wish.kind })
  const leaf = makeCertificate({ ...wish, issuer })
  return { root, issuer, leaf, chain: `${issuer.pem}${root.pem}` }
}

export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function keyPair(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'rsa-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 })
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    case 'secp256k1':
    case 'brainpoolP256r1':
      return generateKeyPairSync('ec', { namedCurve: kind })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
  }
}

function algorithmOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(oid('2a864886f70d01010b'), Buffer.from([0x05, 0]))
  return sequence(oid(key.asymmetricKeyType === 'ec' ? '2a8648ce3d040302' : '2b6570'))
}

function nameOf(cn: string): Buffer {
  if (cn === '') return sequence()
  return sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, Buffer.from(cn)))))
}

function basicConstraints(isCa: boolean): Buffer {
  const value = sequence(...(isCa ? [tagged(0x01, Buffer.from([0xff]))] : []))
  return sequence(oid('551d13'), tagged(0x01, Buffer.from([0xff])), tagged(0x04, value))
}

function alternativeNames(domains: readonly string[]): Buffer {
  return sequence(oid('551d11'), tagged(0x04, sequence(...domains.map((domain) => tagged(0x82, Buffer.from(domain))))))
}

function time(at: Date): Buffer {
  return tagged(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\.\d+/g, '')}`))
}

const oid = (hex: string) => tagged(0x06, Buffer.from(hex, 'hex'))
const integer = (value: Buffer) => tagged(0x02, value)
const sequence = (...parts: readonly Buffer[]) => tagged(0x30, Buffer.concat(parts))

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
