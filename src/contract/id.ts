import { z } from 'zod'

/** What each id names; the prefix stays with the thing for ever, in log lines and in targets. */
export const ID_PREFIXES = {
  int: 'integration',
  res: 'resource',
  syn: 'discovery',
  usr: 'person',
  grp: 'group',
  tok: 'API token',
  sct: 'SCIM token',
  enr: 'enrolment code',
  ses: 'session',
  flw: 'access flow',
  req: 'access request',
  apr: 'approval',
  grt: 'grant',
  run: 'run of an action',
  opn: 'opening of a credential',
  aud: 'audit entry',
  bnd: 'bundle',
  prp: 'proposal',
  rev: 'emergency review',
  rot: 'rotation',
  rtn: 'turn of a rotation',
  whk: 'webhook',
  ntf: 'notification',
  crt: 'certificate',
  cso: 'certificate source',
  crd: 'target credential',
  tgt: 'target',
  dst: 'distribution',
} as const

export type IdPrefix = keyof typeof ID_PREFIXES

export type Id<P extends IdPrefix = IdPrefix> = `${P}_${string}`

/** After the prefix. 26 characters of base32 hold 130 bits, an id has 128: the first character never passes 7. */
export const BODY = '[0-7][0-9a-hjkmnp-tv-z]{25}'

/** The id as a field of a schema, with its pattern in the OpenAPI document. */
export function id<P extends IdPrefix>(prefix: P) {
  return z.templateLiteral([`${prefix}_`, z.string().regex(new RegExp(`^${BODY}$`))], {
    error: (issue) =>
      issue.input === undefined
        ? 'is missing'
        : `is not the id of ${withArticle(ID_PREFIXES[prefix])} (${prefix}_ and 26 characters)`,
  })
}

function withArticle(noun: string): string {
  return /^[aeiouA]/.test(noun) ? `an ${noun}` : `a ${noun}`
}
