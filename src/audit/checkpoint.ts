import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { z } from 'zod'
import type { Head } from './link.ts'

/** Where the chain ended at a moment, said by the installation. Kept outside the database, it shows what the database's owner rewrites. */
export interface Checkpoint extends Head {
  readonly instance: string
  /** RFC 3339 */
  readonly at: string
}

/** what the signing key is derived for */
export const CHECKPOINT_PURPOSE = 'audit checkpoints'

const line = z.object({
  checkpoint: z.object({
    instance: z.string(),
    seq: z.int(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    at: z.string(),
    key: z.string(),
    signature: z.string(),
  }),
})

// A raw key of 32 bytes in the wrapping that Node takes (RFC 8410).
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex')

/** Signs checkpoints with a key that comes from the installation's own. */
export class CheckpointSigner {
  private readonly key: KeyObject
  /** 32 bytes, base64url: what an auditor notes down once */
  readonly publicKey: string

  constructor(seed: Buffer) {
    this.key = createPrivateKey({ key: Buffer.concat([PRIVATE, seed]), format: 'der', type: 'pkcs8' })
    const spki = createPublicKey(this.key).export({ format: 'der', type: 'spki' })
    this.publicKey = spki.subarray(PUBLIC.length).toString('base64url')
  }

  /** One line of a file. */
  lineOf(checkpoint: Checkpoint): string {
    const signature = sign(null, signedText(checkpoint), this.key).toString('base64url')
    const { instance, seq, hash, at } = checkpoint
    return JSON.stringify({ checkpoint: { instance, seq, hash, at, key: this.publicKey, signature } })
  }
}

/** The checkpoint in a line, be it of the file or of the log; a text when it is none that this key signed. */
export function readCheckpoint(text: string, publicKeys: readonly string[]): Checkpoint | string {
  const read = line.safeParse(parsed(text))
  if (!read.success) return 'is not a checkpoint'
  const { key, signature, ...checkpoint } = read.data.checkpoint
  if (!publicKeys.includes(key)) return `is signed with ${key}, which is not the installation’s key`
  const spki = Buffer.concat([PUBLIC, Buffer.from(key, 'base64url')])
  const isSound = verify(
    null,
    signedText(checkpoint),
    createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    Buffer.from(signature, 'base64url'),
  )
  return isSound ? checkpoint : 'has a signature that does not fit what it says'
}

function signedText({ instance, seq, hash, at }: Checkpoint): Buffer {
  return Buffer.from(['latchkey audit checkpoint', instance, seq, hash, at].join('\u001f'))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
