import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { BrokerError, Secret } from '../../sdk/index.ts'
import { bytesOf, type PemBlock, pemBlocks } from './pem.ts'

/** A certificate with its issuers and its key, looked at from all sides. */
export interface Bundle {
  readonly certificatePem: string
  readonly chainPem: string
  readonly chain: readonly { readonly subject: string; readonly fingerprint: string }[]
  readonly privateKey: Secret | undefined
  readonly subject: string
  readonly issuer: string
  readonly commonName: string | undefined
  /** DNS names, in their order */
  readonly domains: readonly string[]
  readonly serial: string
  readonly fingerprint: string
  readonly keyType: string
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface Typed {
  readonly certificate: string
  readonly chain?: string | undefined
  readonly privateKey?: string | undefined
}

const MOST_ISSUERS = 10
const LEAST_RSA_BITS = 2048
/** What TLS clients take; Node itself dies of reading others whole (`toLegacyObject`). */
const CURVES = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
])
const KEY_LABELS = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']

/** Reads what somebody typed in. Throws `input.invalid` with the field and the remedy. `now` is the database's. */
export function readBundle({ certificate, chain, privateKey }: Typed, now: Date): Bundle {
  const first = certificatesIn(certificate, 'certificate')
  const second = chain === undefined ? [] : certificatesIn(chain, 'chain')
  if (second.length > 0 && first.length > 1)
    throw unfit('chain', 'the certificate’s file already holds the issuers', 'give the issuers in one place only')
  const [leaf, ...issuers] = [...first, ...second] as [Read, ...Read[]]
  const chainField = second.length > 0 ? 'chain' : 'certificate'
  if (issuers.length > MOST_ISSUERS)
    throw unfit(
      chainField,
      `holds more than ${MOST_ISSUERS} issuers`,
      'leave out certificates that are not between this one and the root',
    )
  const keyType = keyTypeOf(leaf.read.publicKey, 'certificate')
  for (const issuer of issuers) keyTypeOf(issuer.read.publicKey, chainField)
  mustBeInOrder([leaf, ...issuers], chainField)
  for (const [at, { read }] of [leaf, ...issuers].entries()) mustBeValid(read, at === 0 ? 'certificate' : chainField, now)
  const key = privateKey === undefined ? undefined : keyIn(privateKey, leaf.read)
  return {
    certificatePem: leaf.pem,
    chainPem: issuers.map(({ pem }) => pem).join(''),
    chain: issuers.map(({ read }) => ({ subject: inOneLine(read.subject), fingerprint: fingerprintOf(read) })),
    privateKey: key,
    subject: inOneLine(leaf.read.subject),
    issuer: inOneLine(leaf.read.issuer),
    commonName: commonNameOf(leaf.read),
    domains: domainsOf(leaf.read),
    serial: leaf.read.serialNumber.toLowerCase(),
    fingerprint: fingerprintOf(leaf.read),
    keyType,
    notBefore: leaf.read.validFromDate,
    notAfter: leaf.read.validToDate,
  }
}

interface Read {
  readonly pem: string
  readonly read: X509Certificate
}

function certificatesIn(text: string, field: string): Read[] {
  const blocks = pemBlocks(text, field)
  return blocks.map((block, at) => {
    if (block.label.endsWith('PRIVATE KEY'))
      throw unfit(field, 'holds a private key', 'give it in the field privateKey, where it is kept sealed')
    if (block.label !== 'CERTIFICATE') throw unfit(field, `holds a ${block.label}`, 'give CERTIFICATE blocks only')
    const bytes = bytesOf(block)
    const read = bytes && parsed(bytes)
    if (!bytes || !read) throw unfit(field, `its block ${at + 1} is not a readable X.509 certificate`, 'export it again as PEM')
    if (!read.raw.equals(bytes))
      throw unfit(field, `its block ${at + 1} holds more than one certificate`, 'export it again as PEM')
    return { pem: block.text, read }
  })
}

function parsed(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}

/** Each is issued by the next: servers send them in this order, and clients refuse others. */
function mustBeInOrder(all: readonly Read[], field: string): void {
  const prints = all.map(({ read }) => fingerprintOf(read))
  const twice = prints.findIndex((print, at) => prints.indexOf(print) !== at)
  if (twice >= 0) throw unfit(field, `${inOneLine(all[twice]!.read.subject)} is in it twice`, 'leave the second one out')
  for (const [at, { read }] of all.slice(0, -1).entries()) {
    const next = all[at + 1]!.read
    if (isIssuedBy(read, next)) continue
    const issuer = all.find(({ read: other }) => other !== read && isIssuedBy(read, other))
    const what = `${inOneLine(next.subject)} did not issue ${inOneLine(read.subject)}, which comes before it`
    const fix = issuer
      ? `put ${inOneLine(issuer.read.subject)} right after ${inOneLine(read.subject)}`
      : `give the issuer of ${inOneLine(read.subject)}, which is ${inOneLine(read.issuer)}`
    throw unfit(field, what, fix)
  }
}

export function isIssuedBy(read: X509Certificate, by: X509Certificate): boolean {
  try {
    return read.checkIssued(by) && read.verify(by.publicKey)
  } catch {
    return false
  }
}

function mustBeValid(read: X509Certificate, field: string, now: Date): void {
  const name = inOneLine(read.subject)
  if (read.validToDate <= now) {
    throw unfit(field, `${name} expired at ${read.validToDate.toISOString()}`, 'renew it, and give the new one')
  }
  if (read.validFromDate > now) {
    throw new NotYetValid(field, `${name} is not valid before ${read.validFromDate.toISOString()}`)
  }
}

function keyIn(text: string, leaf: X509Certificate): Secret {
  const field = 'privateKey'
  const blocks = pemBlocks(text, field).filter(({ label }) => label !== 'EC PARAMETERS') // openssl writes them beside the key
  const [block] = blocks as [PemBlock | undefined]
  if (!block) throw unfit(field, 'holds no private key', 'give the key as PEM')
  if (block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(block.text)) {
    throw unfit(field, 'is encrypted', 'decrypt it (`openssl pkey -in key.pem -out plain.pem`): the broker keeps it sealed')
  }
  const stranger = blocks.find(({ label }) => !KEY_LABELS.includes(label))
  if (stranger) throw unfit(field, `holds a ${stranger.label}`, 'give only the private key, as PKCS#8, PKCS#1 or SEC1')
  if (blocks.length > 1) throw unfit(field, 'holds more than one key', 'give the one that belongs to the certificate')
  let key: KeyObject
  try {
    key = createPrivateKey(block.text)
  } catch {
    throw unfit(field, 'is not a readable private key', 'export it again as PEM, without a passphrase')
  }
  if (!leaf.checkPrivateKey(key)) {
    throw unfit(
      field,
      `does not belong to the certificate (${inOneLine(leaf.subject)})`,
      'give the key that the certificate was made for',
    )
  }
  return new Secret(block.text)
}

export function keyTypeOf(key: KeyObject, field: string): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0
    if (bits >= LEAST_RSA_BITS) return `${type} ${bits}`
    throw unfit(field, `its RSA key has ${bits} bits`, `have one issued for at least ${LEAST_RSA_BITS}`)
  }
  if (type === 'ec') {
    const curve = details?.namedCurve ?? 'one without a name'
    if (CURVES.has(curve)) return `ec ${curve}`
    throw unfit(
      field,
      `its key is on the curve ${curve}`,
      `have one issued for ${[...CURVES.values()].join(', ')}, RSA or Ed25519`,
    )
  }
  if (type === 'ed25519' || type === 'ed448') return type
  throw unfit(field, `its key is of the kind ${type ?? 'unknown'}`, 'have one issued for RSA, EC or Ed25519')
}

export function fingerprintOf(read: X509Certificate): string {
  return read.fingerprint256.replaceAll(':', '').toLowerCase()
}

/** Certificates for hosts alone may have no subject. */
export function inOneLine(names: string | undefined): string {
  return names?.split('\n').join(', ') || '(no name)'
}

/** The last one counts where there are several: it is the most particular. */
function commonNameOf(read: X509Certificate): string | undefined {
  const subject: string | undefined = read.subject // whatever its type says
  const line = subject?.split('\n').findLast((each) => each.startsWith('CN='))
  const name = line?.slice('CN='.length).replaceAll(/\\([^0-9A-F])/g, '$1')
  if (name === undefined || !/\\|\p{Cc}/u.test(name)) return name
  throw unfit('certificate', 'its common name has a character that cannot be printed', 'have one issued for a plain name')
}

/** Names with a character that needs quoting are left out: no host has one. */
function domainsOf({ subjectAltName = '' }: X509Certificate): string[] {
  const plain = subjectAltName.replace(/"(?:[^"\\]|\\.)*"/g, '"')
  return [...plain.matchAll(/(?:^|, )DNS:([^",\s]+)(?=, |$)/g)].map(([, domain]) => domain!.toLowerCase())
}

/** What will pass, where nobody gives another one. */
export class NotYetValid extends BrokerError {
  constructor(field: string, message: string) {
    const fix = 'give it when it is valid, or see whether the issuer’s clock is right'
    super('input.invalid', `${field}: ${message}`, { field, fix })
  }
}

export function unfit(field: string, message: string, fix: string): BrokerError {
  return new BrokerError('input.invalid', `${field}: ${message}`, { field, fix })
}
