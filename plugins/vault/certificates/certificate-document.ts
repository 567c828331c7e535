import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Fields } from '../actions/kv-version.ts'

/** Under which names the parts of a certificate stand in a secret. */
export type FieldNames = {
  readonly certificate: string
  readonly privateKey: string
  readonly chain: string
  readonly fullchain: string
}

/** What a document must hold to be the one that was written: nothing of it is a secret. */
export type CertificateMark = {
  readonly fields: FieldNames
  /** SHA-256 of the certificate, and of each of its chain */
  readonly fingerprint: string
  readonly chain: readonly string[]
  readonly hasPrivateKey: boolean
}

export interface CertificateParts {
  readonly certificatePem: string
  /** issuers in their order; may be empty */
  readonly chainPem: string
  /** in clear: it is on its way into the sealed document */
  readonly privateKeyPem?: string
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The whole secret as it is to stand in the target. */
export function documentOf(fields: FieldNames, parts: CertificateParts): Fields {
  return {
    [fields.certificate]: parts.certificatePem,
    ...(parts.privateKeyPem !== undefined && { [fields.privateKey]: parts.privateKeyPem }),
    [fields.chain]: parts.chainPem,
    [fields.fullchain]: [parts.certificatePem, parts.chainPem].filter(Boolean).join(''),
  }
}

/** Why a document is not the one with this mark; undefined when it is. Compares certificates and the key by what they are, not by their text. */
export function differsFrom(mark: CertificateMark, document: Fields): string | undefined {
  const { fields, hasPrivateKey } = mark
  const wanted = [fields.certificate, fields.chain, fields.fullchain, ...(hasPrivateKey ? [fields.privateKey] : [])].toSorted()
  const there = Object.keys(document).toSorted()
  if (wanted.join('\0') !== there.join('\0')) return `it has the fields ${there.join(', ') || '(none)'}`
  if (String(fingerprintsIn(document[fields.certificate])) !== mark.fingerprint)
    return `${fields.certificate} holds a different certificate`
  if (String(fingerprintsIn(document[fields.chain])) !== String(mark.chain)) return `${fields.chain} holds a different chain`
  if (String(fingerprintsIn(document[fields.fullchain])) !== String([mark.fingerprint, ...mark.chain]))
    return `${fields.fullchain} holds a different chain`
  if (hasPrivateKey && !belongs(document[fields.privateKey], document[fields.certificate]))
    return `${fields.privateKey} does not belong to the certificate`
  return undefined
}

/** Of each certificate in a PEM text, in their order; undefined for what is none. */
export function fingerprintsIn(pem: unknown): string[] | undefined {
  if (typeof pem !== 'string') return undefined
  try {
    return (pem.match(BLOCK) ?? []).map(fingerprintOf)
  } catch {
    return undefined
  }
}

/** What of a stored certificate people may see; undefined for what is none. */
export function shownCertificate(pem: unknown): { fingerprint: string; subject: string; notAfter: string } | undefined {
  if (typeof pem !== 'string') return undefined
  try {
    const read = new X509Certificate(pem)
    return {
      fingerprint: fingerprintOf(pem),
      subject: read.subject.replaceAll('\n', ', '),
      notAfter: read.validToDate.toISOString(),
    }
  } catch {
    return undefined
  }
}

export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
}

function belongs(key: unknown, certificate: unknown): boolean {
  try {
    return new X509Certificate(String(certificate)).checkPrivateKey(createPrivateKey(String(key)))
  } catch {
    return false
  }
}
