import { generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { Secret } from '../../sdk/index.ts'
import { derOf, type Node, read } from './der.ts'
import { pemOf } from './pem.ts'

const { asn1 } = forge
const { Class, Type } = asn1
const generate = promisify(generateKeyPair)

const COMMON_NAME = '2.5.4.3'
const ALTERNATIVE_NAMES = '2.5.29.17'
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const SIGNED_BY_RSA = '1.2.840.113549.1.1.11'
const SIGNED_BY_EC = '1.2.840.10045.4.3.2'

export type KeyKind = 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ec-p256' | 'ec-p384'

/** A new key, and the request (PKCS#10, PEM) for a certificate with these names for it. */
export async function requestFor(
  kind: KeyKind,
  { commonName, domains }: { readonly commonName: string; readonly domains: readonly string[] },
): Promise<{ privateKey: Secret; request: string }> {
  const { privateKey, publicKey } = await keyPair(kind)
  const info = sequence(
    primitive(Type.INTEGER, '\0'),
    sequence(set(sequence(oid(COMMON_NAME), primitive(Type.UTF8, Buffer.from(commonName).toString('latin1'))))),
    read(publicKey.export({ type: 'spki', format: 'der' })),
    context(0, sequence(oid(EXTENSION_REQUEST), set(sequence(alternativeNames(domains.length > 0 ? domains : [commonName]))))),
  )
  const signature = sign('sha256', derOf(info), privateKey)
  const isRsa = kind.startsWith('rsa')
  const algorithm = isRsa ? sequence(oid(SIGNED_BY_RSA), primitive(Type.NULL, '')) : sequence(oid(SIGNED_BY_EC))
  const whole = sequence(info, algorithm, primitive(Type.BITSTRING, `\0${signature.toString('latin1')}`))
  return {
    privateKey: new Secret(String(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
    request: pemOf(derOf(whole), 'CERTIFICATE REQUEST'),
  }
}

function keyPair(kind: KeyKind): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  switch (kind) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return generate('rsa', { modulusLength: Number(kind.slice('rsa-'.length)) })
    case 'ec-p256':
      return generate('ec', { namedCurve: 'P-256' })
    case 'ec-p384':
      return generate('ec', { namedCurve: 'P-384' })
  }
}

function alternativeNames(domains: readonly string[]) {
  const names = sequence(...domains.map((domain) => asn1.create(Class.CONTEXT_SPECIFIC, 2, false, domain)))
  return sequence(oid(ALTERNATIVE_NAMES), primitive(Type.OCTETSTRING, derOf(names).toString('latin1')))
}

const sequence = (...parts: Node[]) => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts)
const set = (...parts: Node[]) => asn1.create(Class.UNIVERSAL, Type.SET, true, parts)
const context = (number: number, ...parts: Node[]) => asn1.create(Class.CONTEXT_SPECIFIC, number, true, parts)
const primitive = (type: forge.asn1.Type, bytes: string) => asn1.create(Class.UNIVERSAL, type, false, bytes)
const oid = (name: string) => primitive(Type.OID, asn1.oidToDer(name).getBytes())
