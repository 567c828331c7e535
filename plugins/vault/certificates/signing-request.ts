import { createPublicKey } from 'node:crypto'
import { keyDigestOf } from './issued.ts'

const SEQUENCE = 0x30

/** The digest of the public key in a PKCS#10 request; undefined where it is none. Its signature is for the server to check. */
export function keyOfRequest(pem: string): string | undefined {
  const [, base64] =
    /^\s*-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*$/.exec(pem) ?? []
  if (base64 === undefined) return undefined
  try {
    const [info] = partsOf(Buffer.from(base64, 'base64'))
    const [, , key] = partsOf(info!)
    return keyDigestOf(createPublicKey({ key: key!, format: 'der', type: 'spki' }))
  } catch {
    return undefined
  }
}

/** The values in a sequence, each with its head. */
function partsOf(sequence: Buffer): Buffer[] {
  const { tag, start, end } = headAt(sequence, 0)
  if (tag !== SEQUENCE) throw new TypeError('this is not a sequence')
  const parts: Buffer[] = []
  for (let at = start; at < end; ) {
    const next = headAt(sequence, at).end
    parts.push(sequence.subarray(at, next))
    at = next
  }
  return parts
}

function headAt(bytes: Buffer, at: number): { tag: number; start: number; end: number } {
  const [tag, first] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)]
  const more = first < 0x80 ? 0 : first & 0x7f
  const length = more === 0 ? first : bytes.readUIntBE(at + 2, more)
  const start = at + 2 + more
  if (start + length > bytes.length) throw new RangeError('it ends too early')
  return { tag, start, end: start + length }
}
