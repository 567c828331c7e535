import forge from 'node-forge'

const { asn1 } = forge

/** One value of ASN.1, as it was read: DER, or BER with its indefinite lengths. */
export type Node = forge.asn1.Asn1

/** What was read is not built as it should be. */
export class Malformed extends Error {}

/** Reads one value, and throws `Malformed` where it is none, or something follows it. */
export function read(bytes: Buffer): Node {
  // Bits are left as they are: guessed at, they would be read as something that they are not.
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false } as unknown as boolean
  try {
    return asn1.fromDer(bytes.toString('latin1'), options)
  } catch (cause) {
    throw new Malformed('this is not ASN.1', { cause })
  }
}

export function partsOf(node: Node | undefined): readonly Node[] {
  if (node && typeof node.value !== 'string') return node.value
  throw new Malformed('something with parts is missing')
}

/** What of it is optional and has this number: `[0]`. */
export function tagged(nodes: readonly Node[], number: number): Node | undefined {
  return nodes.find(({ tagClass, type }) => tagClass === asn1.Class.CONTEXT_SPECIFIC && Number(type) === number)
}

/** The bytes of a string of octets, which BER may have in pieces. */
export function octetsOf(node: Node | undefined): Buffer {
  if (!node) throw new Malformed('octets are missing')
  if (typeof node.value === 'string') return Buffer.from(node.value, 'latin1')
  return Buffer.concat(node.value.map(octetsOf))
}

export function oidOf(node: Node | undefined): string {
  const content = contentOf(node, asn1.Type.OID)
  if (!content) throw new Malformed('a name of something is missing')
  return asn1.derToOid(forge.util.createBuffer(content))
}

/** A number beyond 2^31 - 1. */
export class TooBig extends Malformed {}

/** A number from 0 to 2^31 - 1. Nothing that is read here needs more. */
export function smallNumberOf(node: Node | undefined): number {
  const content = contentOf(node, asn1.Type.INTEGER)
  if (content === undefined) throw new Malformed('a number is missing')
  const bytes = Buffer.from(content, 'latin1')
  if (bytes.length === 0 || bytes[0]! >= 0x80) throw new Malformed('a number is none, or below zero')
  if (bytes.length > 4) throw new TooBig('a number is out of all proportion')
  return bytes.readUIntBE(0, bytes.length)
}

export function derOf(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
}

export const isNumber = (node: Node | undefined) => is(node, asn1.Type.INTEGER)

const is = (node: Node | undefined, type: forge.asn1.Type) => node?.tagClass === asn1.Class.UNIVERSAL && node.type === type

/** Of a value of this type that has no parts. */
function contentOf(node: Node | undefined, type: forge.asn1.Type): string | undefined {
  return is(node, type) && typeof node?.value === 'string' ? node.value : undefined
}
