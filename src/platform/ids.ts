import { randomBytes } from 'node:crypto'
import { BODY, type Id, type IdPrefix } from '../contract/id.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** 48 bits of time, so that new rows lie together in an index, and 80 random bits. Lower case, because some targets fold case. */
export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  let time = Date.now()
  let body = ''
  for (let i = 0; i < 10; i++) {
    body = ALPHABET[time % 32] + body
    time = Math.floor(time / 32)
  }
  for (const byte of randomBytes(16)) body += ALPHABET[byte % 32] // 32 divides 256: every letter is as likely
  return `${prefix}_${body}`
}

export function isId<P extends IdPrefix>(prefix: P, value: unknown): value is Id<P> {
  return typeof value === 'string' && new RegExp(`^${prefix}_${BODY}$`).test(value)
}
