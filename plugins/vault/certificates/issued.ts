import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { BrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from '../../../vault/index.ts'
import { inParallel } from '../in-parallel.ts'
import { isAbsent, type Send } from '../send.ts'

/** A server tells of what it issued the serial numbers alone: of more than these nobody waits for the answer. */
const MOST_LOOKED_THROUGH = 5_000
const AT_ONCE = 8

export interface Issued {
  readonly serial: string
  readonly certificatePem: string
}

export function getCertificate(mount: string, serial: string): VaultCall {
  return { method: 'GET', path: [mount, 'cert', serial], accept: [404], repeatable: true }
}

export const listCertificates = (mount: string): VaultCall => ({
  method: 'GET',
  list: true,
  path: [mount, 'certs'],
  accept: [404],
  repeatable: true,
})

/** What the server issued for a key, with the answer that says which certificates there are. */
export async function issuedFor(send: Send, mount: string, publicKey: string): Promise<{ found: Issued[]; answer: VaultAnswer }> {
  const answer = await send(listCertificates(mount))
  const serials = isAbsent(answer) ? [] : namesIn(answer)
  if (serials.length > MOST_LOOKED_THROUGH) {
    throw new BrokerError(
      'target.unsupported',
      `${mount} has ${serials.length} certificates, too many to look through for one whose answer was lost`,
      {
        fix: `find the newest for the same name in ${mount}/certs and revoke it by hand, if it is there; then order another one`,
      },
    )
  }
  const found: Issued[] = []
  const read = async (serial: string) => ({
    serial,
    certificatePem: (await send(getCertificate(mount, serial))).data['certificate'],
  })
  for await (const { serial, certificatePem } of inParallel(serials, AT_ONCE, read)) {
    if (typeof certificatePem === 'string' && keyDigestIn(certificatePem) === publicKey) found.push({ serial, certificatePem })
  }
  return { found, answer }
}

/** What tells a key from all others: of its public half. */
export function keyDigestOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

/** Of the key in a certificate; undefined where that cannot be read. */
export function keyDigestIn(pem: string): string | undefined {
  try {
    return keyDigestOf(new X509Certificate(pem).publicKey)
  } catch {
    return undefined
  }
}

function namesIn({ data }: VaultAnswer): string[] {
  const { keys } = data
  return Array.isArray(keys) ? keys.map(String) : []
}
