import { randomBytes } from 'node:crypto'
import { z } from 'zod'

/** What each id names; the prefix stays with the thing for ever, in log lines and in targets. */
export const ID_PREFIXES = {
  int: 'integration',
  res: 'resource',
  syn: 'discovery',
  usr: 'person',
  grp: 'group',
  tok: 'API token',
  flw: 'access flow',
  req: 'access request',
  apr: 'approval',
  grt: 'grant',
  run: 'run of an action',
  opn: 'opening of a credential',
  aud: 'audit entry',
} as const

export type IdPrefix = keyof typeof ID_PREFIXES

export type Id<P extends IdPrefix = IdPrefix> = `${P}_${string}`

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
// 26 characters hold 130 bits, an id has 128: the first character never passes 7.
const BODY = '[0-7][0-9a-hjkmnp-tv-z]{25}'

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

/** The id as a field of a schema, with its pattern in the OpenAPI document. */
export function id<P extends IdPrefix>(prefix: P) {
  return z.templateLiteral([`${prefix}_`, z.string().regex(new RegExp(`^${BODY}$`))], {
    error: `is not the id of ${withArticle(ID_PREFIXES[prefix])} (${prefix}_ and 26 characters)`,
  })
}

function withArticle(noun: string): string {
  return /^[aeiouA]/.test(noun) ? `an ${noun}` : `a ${noun}`
}
