import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { BrokerError, type Secret } from '../../sdk/index.ts'
import { type Bundle, fingerprintOf, inOneLine, isIssuedBy, keyTypeOf, readBundle, unfit } from './bundle.ts'
import { derOf, Malformed, type Node, octetsOf, oidOf, partsOf, read, smallNumberOf, tagged } from './der.ts'
import { pemOf } from './pem.ts'
import { Pkcs12Encryption, Unsupported, WrongPassword } from './pkcs12-encryption.ts'

const DATA = '1.2.840.113549.1.7.1'
const ENCRYPTED = '1.2.840.113549.1.7.6'
const BAG = '1.2.840.113549.1.12.10.1.'
const X509 = '1.2.840.113549.1.9.22.1'
const FIELD = 'pkcs12.file'
const PASSWORD_FIELD = 'pkcs12.password'
/** Deeper than that no program nests them. */
const MOST_DEPTH = 5

interface Contents {
  readonly keys: Buffer[]
  readonly certificates: Buffer[]
}

/** Reads a PKCS#12 file, base64, with its password. Throws `input.invalid` with the field and the remedy. `now` is the database's. */
export async function readPkcs12(file: string, password: Secret, now: Date): Promise<Bundle> {
  const bytes = Buffer.from(file, 'base64')
  if (!isBase64(file)) throw unfit(FIELD, 'is not base64 throughout', 'encode the file as it is: `base64 -w0 shop.p12`')
  const { keys, certificates } = await opened(bytes, password)
  const [der] = keys
  if (!der) throw unfit(FIELD, 'holds no private key', 'export it together with its key, or give the certificate as PEM')
  if (keys.length > 1) {
    throw unfit(FIELD, `holds ${keys.length} private keys`, 'export the one certificate that is to be distributed, with its key')
  }
  const key = keyFrom(der)
  const { leaf, issuers } = inOrder(key, certificates.map(certificateFrom))
  try {
    return readBundle(
      {
        certificate: pemOf(leaf.raw, 'CERTIFICATE'),
        chain: issuers.map(({ raw }) => pemOf(raw, 'CERTIFICATE')).join('') || undefined,
        privateKey: pemOf(der, 'PRIVATE KEY'),
      },
      now,
    )
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw unfit(FIELD, error.message, error.fix ?? 'export it again')
  }
}

function isBase64(text: string): boolean {
  const body = text.replaceAll(/\s/g, '')
  return body.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(body)
}

async function opened(bytes: Buffer, password: Secret): Promise<Contents> {
  try {
    return await contentsOf(bytes, new Pkcs12Encryption(password.reveal()))
  } catch (cause) {
    if (cause instanceof WrongPassword) {
      const fix = 'give the password that it was exported with; if that is right, the file was damaged'
      throw unfit(PASSWORD_FIELD, 'does not open the file', fix)
    }
    if (cause instanceof Unsupported)
      throw unfit(FIELD, cause.message, 'export it again: `openssl pkcs12 -export` and keytool write what is read here')
    if (cause instanceof Malformed)
      throw unfit(
        FIELD,
        'is not a readable PKCS#12 file',
        'give the .p12 or .pfx file whole; a JKS keystore is another thing: convert it by `keytool -importkeystore -deststoretype pkcs12`',
      )
    throw cause
  }
}

async function contentsOf(bytes: Buffer, encryption: Pkcs12Encryption): Promise<Contents> {
  const [version, safe, mac] = partsOf(read(bytes))
  if (smallNumberOf(version) !== 3) throw new Malformed('this is another version')
  const [kind, content] = partsOf(safe)
  if (oidOf(kind) !== DATA) throw new Unsupported('is signed with a certificate, and not sealed with a password')
  const whole = octetsOf(partsOf(content)[0])
  if (mac) {
    for (const algorithm of algorithmsIn(whole)) encryption.mustAskForFewRounds(algorithm)
    await encryption.mustBeSealedBy(partsOf(mac), whole)
  }
  const contents: Contents = { keys: [], certificates: [] }
  // What is not sealed shows by what it decrypts to that the password is wrong.
  const inside = mac ? read : readOrWrongPassword
  for (const part of partsOf(read(whole))) {
    const [type, wrapped] = partsOf(part)
    if (oidOf(type) === DATA) await collect(partsOf(read(octetsOf(partsOf(wrapped)[0]))), encryption, contents, inside)
    else if (oidOf(type) === ENCRYPTED) {
      const [, info] = partsOf(partsOf(wrapped)[0])
      const [, algorithm] = partsOf(info)
      const bags = inside(await encryption.decrypt(algorithm, octetsOf(tagged(partsOf(info), 0))))
      await collect(partsOf(bags), encryption, contents, inside)
    } else throw new Unsupported('is encrypted for a certificate, and not with a password')
  }
  return contents
}

/** How each part that shows without the password says that it is encrypted; none where the parts cannot be read, which the seal tells. */
function algorithmsIn(whole: Buffer): readonly Node[] {
  try {
    return partsOf(read(whole)).flatMap((part) => {
      const [type, wrapped] = partsOf(part)
      if (oidOf(type) === ENCRYPTED) return partsOf(partsOf(partsOf(wrapped)[0])[1]).slice(1, 2)
      if (oidOf(type) !== DATA) return []
      const bags = partsOf(read(octetsOf(partsOf(wrapped)[0]))).map(partsOf)
      return bags.flatMap(([kind, value]) => (oidOf(kind) === `${BAG}2` ? partsOf(partsOf(value)[0]).slice(0, 1) : []))
    })
  } catch (error) {
    if (error instanceof Malformed) return []
    throw error
  }
}

async function collect(
  bags: readonly Node[],
  encryption: Pkcs12Encryption,
  into: Contents,
  inside: (bytes: Buffer) => Node,
  depth = 0,
): Promise<void> {
  if (depth > MOST_DEPTH) throw new Malformed('bags within bags')
  for (const bag of bags) {
    const [kind, wrapped] = partsOf(bag)
    const [value] = partsOf(wrapped)
    switch (oidOf(kind)) {
      case `${BAG}1`:
        if (value) into.keys.push(derOf(value))
        break
      case `${BAG}2`: {
        const [algorithm, encrypted] = partsOf(value)
        const key = await encryption.decrypt(algorithm, octetsOf(encrypted))
        inside(key)
        into.keys.push(key)
        break
      }
      case `${BAG}3`: {
        const [type, certificate] = partsOf(value)
        if (oidOf(type) === X509) into.certificates.push(octetsOf(partsOf(certificate)[0]))
        break
      }
      case `${BAG}6`:
        await collect(partsOf(value), encryption, into, inside, depth + 1)
        break
      default: // lists of what was revoked and other secrets are no part of a certificate
    }
  }
}

function readOrWrongPassword(bytes: Buffer): Node {
  try {
    return read(bytes)
  } catch (cause) {
    throw new WrongPassword('', { cause })
  }
}

function keyFrom(der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch {
    throw unfit(FIELD, 'its private key cannot be read', 'have a certificate issued for RSA, EC or Ed25519')
  }
}

function certificateFrom(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw unfit(FIELD, 'holds a certificate that cannot be read', 'export it again')
  }
}

/** A file has them in any order: the one of the key, and from it to its issuers. */
function inOrder(
  key: KeyObject,
  all: readonly X509Certificate[],
): { leaf: X509Certificate; issuers: readonly X509Certificate[] } {
  const own = createPublicKey(key).export({ type: 'spki', format: 'der' })
  for (const each of all) keyTypeOf(each.publicKey, FIELD)
  const once = all.filter((each, at) => all.findIndex((other) => fingerprintOf(other) === fingerprintOf(each)) === at)
  const [leaf, another] = once.filter((each) => each.publicKey.export({ type: 'spki', format: 'der' }).equals(own))
  if (!leaf) throw unfit(FIELD, 'holds no certificate of its private key', 'export the certificate together with its key')
  if (another) throw unfit(FIELD, 'holds two certificates of its private key', 'export the one that is to be distributed')
  const left = new Set(once)
  left.delete(leaf)
  const issuers: X509Certificate[] = []
  for (let last = leaf; ; ) {
    const next = [...left].find((each) => isIssuedBy(last, each))
    if (!next) break
    left.delete(next)
    issuers.push(next)
    last = next
  }
  const [stranger] = left
  if (!stranger) return { leaf, issuers }
  throw unfit(
    FIELD,
    `${inOneLine(stranger.subject)} is in it, but is not an issuer of its certificate`,
    'export it with its issuers alone',
  )
}
