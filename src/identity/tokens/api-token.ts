import { createHash, randomInt } from 'node:crypto'
import { Column, Entity, PrimaryColumn } from 'typeorm'
import type { Id } from '../../contract/id.ts'
import type { Scope } from '../../contract/identity.ts'
import { Secret } from '../../sdk/index.ts'

/** The database keeps what tells a token when it comes, and nothing to make one of. */
@Entity('api_tokens')
export class ApiToken {
  @PrimaryColumn('text') id: Id<'tok'>
  @Column('text') userId: Id<'usr'>
  @Column('text') name: string
  @Column('text', { select: false }) hash: string
  @Column('text', { array: true }) scopes: Scope[]
  @Column('text', { nullable: true }) createdBy: string | null
  /** the one it was made with, and ends with */
  @Column('text', { nullable: true }) parentId: Id<'tok'> | null
  /** made by somebody else than its person, or with one that was: it reads and asks, and no more */
  @Column('boolean') delegated: boolean
  @Column({ type: 'timestamptz', insert: false, update: false }) createdAt: Date
  @Column('timestamptz') expiresAt: Date
  @Column('timestamptz', { nullable: true }) revokedAt: Date | null
  @Column('timestamptz', { nullable: true }) lastUsedAt: Date | null
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
