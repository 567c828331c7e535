import { randomBytes } from 'node:crypto'
import { BODY, type Id, type IdPrefix } from '../contract/id.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** 48 bits of time, so that new rows lie together in an index, and 80 random bits. Lower case, because some targets fold case. */
export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  const time = Date.now().toString(16).padStart(12, '0')
  let rest = BigInt(`0x${time}${randomBytes(10).toString('hex')}`)
  let body = ''
  for (let i = 0; i < 26; i++) {
    body = ALPHABET[Number(rest & 31n)] + body
    rest >>= 5n
  }
  return `${prefix}_${body}`
}

export function isId<P extends IdPrefix>(prefix: P, value: unknown): value is Id<P> {
  return typeof value === 'string' && new RegExp(`^${prefix}_${BODY}$`).test(value)
}
