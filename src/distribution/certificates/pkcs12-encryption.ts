import { createDecipheriv, createHmac, hash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { isNumber, Malformed, type Node, octetsOf, oidOf, partsOf, smallNumberOf, TooBig } from './der.ts'

/** What a file asks for that is not done here. */
export class Unsupported extends Error {}

/** It does not decrypt to anything: the password is another one. */
export class WrongPassword extends Error {}

/** How much work one file may ask for, all its parts together: keytool asks for 10,000 a part, the most cautious for 600,000. */
const MOST_ROUNDS = 3_000_000
/** A round in this process weighs as many in OpenSSL, which has them in threads of its own. */
const WEIGHT = 6
const ROUNDS_A_TURN = 5_000

const DIGESTS: Readonly<Record<string, Digest>> = {
  '1.3.14.3.2.26': { name: 'sha1', block: 64 },
  '2.16.840.1.101.3.4.2.4': { name: 'sha224', block: 64 },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', block: 64 },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', block: 128 },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', block: 128 },
}
const SHA1 = DIGESTS['1.3.14.3.2.26']!
const HMACS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}
const CIPHERS: Readonly<Record<string, Cipher>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', key: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', key: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', key: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', key: 24 },
}
/** What files had before PBES2: RC2 of 40 bits for certificates, Triple-DES for keys. */
const OLD_CIPHERS: Readonly<Record<string, Cipher>> = {
  '1.2.840.113549.1.12.1.3': { name: 'des-ede3-cbc', key: 24 },
  '1.2.840.113549.1.12.1.4': { name: 'des-ede3-cbc', key: 16 },
  '1.2.840.113549.1.12.1.5': { name: 'rc2', key: 16 },
  '1.2.840.113549.1.12.1.6': { name: 'rc2', key: 5 },
}
const PBES2 = '1.2.840.113549.1.5.13'
const PBKDF2 = '1.2.840.113549.1.5.12'

interface Digest {
  readonly name: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'
  /** bytes that it takes at once */
  readonly block: number
}

interface Cipher {
  readonly name: 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc' | 'rc2'
  /** bytes of its key */
  readonly key: number
}

const inThread = promisify(pbkdf2)

/** Opens the parts of one PKCS#12 file with its password. */
export class Pkcs12Encryption {
  private rounds = 0

  constructor(private readonly password: string) {}

  /** Throws `WrongPassword` unless the file's own seal says that it is this one, and that nothing in it was changed. */
  async mustBeSealedBy(mac: readonly Node[], content: Buffer): Promise<void> {
    const [algorithm, expected] = partsOf(mac[0])
    const digest = octetsOf(expected)
    const made = await this.mac(oidOf(partsOf(algorithm)[0]), mac, content)
    if (made.length !== digest.length || !timingSafeEqual(made, digest)) throw new WrongPassword()
  }

  /** Throws what a part of the file asks for and does not get. Asked before the seal is looked at, which says only that something is wrong. */
  mustAskForFewRounds(algorithm: Node | undefined): void {
    const [name, parameters] = partsOf(algorithm)
    const [way, settings] = oidOf(name) === PBES2 ? partsOf(partsOf(parameters)[0]) : [name, parameters]
    if (oidOf(way) === PBKDF2 || OLD_CIPHERS[oidOf(way)]) roundsIn(partsOf(settings)[1])
  }

  async decrypt(algorithm: Node | undefined, content: Buffer): Promise<Buffer> {
    const [name, parameters] = partsOf(algorithm)
    const oid = oidOf(name)
    if (oid === PBES2) return this.pbes2(parameters, content)
    const cipher = OLD_CIPHERS[oid]
    if (!cipher) throw new Unsupported(`is encrypted by ${oid}, which is not known here`)
    const [saltNode, roundsNode] = partsOf(parameters)
    const [salt, rounds] = [octetsOf(saltNode), this.counted(roundsNode, WEIGHT)]
    const key = await this.derived(SHA1, 1, salt, rounds, cipher.key)
    return decrypted(cipher, key, await this.derived(SHA1, 2, salt, rounds, 8), content)
  }

  private async pbes2(parameters: Node | undefined, content: Buffer): Promise<Buffer> {
    const [derivation, encryption] = partsOf(parameters)
    const [name, iv] = partsOf(encryption)
    const cipher = CIPHERS[oidOf(name)]
    if (!cipher) throw new Unsupported(`is encrypted by ${oidOf(name)}, which is not known here`)
    return decrypted(cipher, await this.pbkdf2(derivation, cipher.key), octetsOf(iv), content)
  }

  private async mac(oid: string, [, salt, rounds]: readonly Node[], content: Buffer): Promise<Buffer> {
    const digest = DIGESTS[oid]
    if (!digest) throw new Unsupported(`is sealed by ${oid}, which is not known here`)
    const size = hash(digest.name, '', 'buffer').length
    const key = await this.derived(digest, 3, octetsOf(salt), rounds ? this.counted(rounds, WEIGHT) : 1, size)
    return createHmac(digest.name, key).update(content).digest()
  }

  private async pbkdf2(derivation: Node | undefined, length: number): Promise<Buffer> {
    const [name, parameters] = partsOf(derivation)
    if (oidOf(name) !== PBKDF2) throw new Unsupported(`derives its key by ${oidOf(name)}, which is not known here`)
    const [salt, rounds, ...rest] = partsOf(parameters)
    const prf = rest.find((node) => !isNumber(node))
    const digest = prf ? HMACS[oidOf(partsOf(prf)[0])] : 'sha1'
    if (!digest) throw new Unsupported('derives its key by a digest that is not known here')
    return inThread(this.password, octetsOf(salt), this.counted(rounds), length, digest)
  }

  private counted(node: Node | undefined, weight = 1): number {
    const rounds = roundsIn(node)
    this.rounds += rounds * weight
    if (this.rounds > MOST_ROUNDS) throw tooMany()
    return rounds
  }

  /** RFC 7292, appendix B. `purpose`: 1 for a key, 2 for an initial vector, 3 for the seal. */
  private async derived(
    { name, block }: Digest,
    purpose: 1 | 2 | 3,
    salt: Buffer,
    rounds: number,
    length: number,
  ): Promise<Buffer> {
    const mixed = Buffer.concat([repeated(salt, block), repeated(asBmp(this.password), block)])
    const pieces: Buffer[] = []
    for (let size = 0; size < length; size += pieces.at(-1)!.length) {
      let piece = hash(name, Buffer.concat([Buffer.alloc(block, purpose), mixed]), 'buffer')
      for (let round = 1; round < rounds; round++) {
        piece = hash(name, piece, 'buffer')
        if (round % ROUNDS_A_TURN === 0) await turn()
      }
      pieces.push(piece)
      addToEach(mixed, Buffer.alloc(block, piece), block)
    }
    return Buffer.concat(pieces).subarray(0, length)
  }
}

function roundsIn(node: Node | undefined): number {
  try {
    const rounds = smallNumberOf(node)
    if (rounds < 1) throw new Malformed('it derives its key in no round')
    if (rounds <= MOST_ROUNDS) return rounds
  } catch (error) {
    if (!(error instanceof TooBig)) throw error
  }
  throw tooMany()
}

const tooMany = () => new Unsupported('asks for too many rounds to derive its keys')

function decrypted(cipher: Cipher, key: Buffer, iv: Buffer, content: Buffer): Buffer {
  if (iv.length !== (cipher.name.startsWith('aes') ? 16 : 8)) throw new Malformed('an initial vector has another length')
  if (cipher.name === 'rc2') return decryptedRc2(key, iv, content)
  const whole = cipher.name === 'des-ede3-cbc' && key.length === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key
  const decipher = createDecipheriv(cipher.name, whole, iv)
  try {
    return Buffer.concat([decipher.update(content), decipher.final()])
  } catch (cause) {
    throw new WrongPassword('', { cause })
  }
}

/** The OpenSSL in Node has no RC2. */
function decryptedRc2(key: Buffer, iv: Buffer, content: Buffer): Buffer {
  const decipher = forge.rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8)
  decipher.start(iv.toString('latin1'))
  decipher.update(forge.util.createBuffer(content.toString('latin1')))
  if (!decipher.finish()) throw new WrongPassword()
  return Buffer.from(decipher.output.getBytes(), 'latin1')
}

/** Two bytes a unit, the high one first, and a zero behind. */
function asBmp(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16()
}

function repeated(bytes: Buffer, block: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes)
}

/** Adds a number and one to each block, as numbers of that many bytes. */
function addToEach(blocks: Buffer, number: Buffer, block: number): void {
  for (let start = 0; start < blocks.length; start += block) {
    let carry = 1
    for (let at = block - 1; at >= 0; at--) {
      carry += blocks[start + at]! + number[at]!
      blocks[start + at] = carry & 0xff
      carry >>= 8
    }
  }
}
