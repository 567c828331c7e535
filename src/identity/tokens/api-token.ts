import { createHash, randomInt } from 'node:crypto'
import type { Id } from '../../contract/id.ts'
import type { Scope } from '../../contract/identity.ts'
import { Secret } from '../../sdk/index.ts'

/** A row of `api_tokens`, without the hash: the database keeps what tells a token when it comes, and nothing to make one of. */
export interface ApiToken {
  readonly id: Id<'tok'>
  readonly userId: Id<'usr'>
  readonly name: string
  readonly scopes: Scope[]
  readonly createdBy: string | null
  /** the one it was made with, and ends with */
  readonly parentId: Id<'tok'> | null
  /** made by somebody else than its person, or with one that was: it reads and asks, and no more */
  readonly delegated: boolean
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const LENGTH = 43

/** The prefix, which tells what it opens, and 256 bits. */
export function randomToken(prefix: 'lk' | 'lks' | 'lke' = 'lk'): Secret {
  return new Secret(`${prefix}_${Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`)
}

/** The token has as many random bits as the hash, so a slow hash would protect nothing more. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** What a header holds, if that is a token at all. */
export function tokenIn(authorization: string | undefined): string | undefined {
  return /^Bearer (lk_[0-9A-Za-z]{43})$/i.exec(authorization ?? '')?.[1]
}
