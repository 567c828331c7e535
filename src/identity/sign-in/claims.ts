import { z } from 'zod'
import { flawOf, name as nameOf } from '../../contract/common.ts'
import type { IdentityProvider } from '../../platform/identity-provider.ts'

export type Claims = Readonly<Record<string, unknown>>
export type Attributes = Readonly<Record<string, string | readonly string[]>>

/** What a provider said of somebody, as far as it can be kept. */
export interface Said {
  readonly subject: string
  readonly name: string
  readonly email: string | null
  readonly groups: readonly string[]
  /** groups whose names nobody should have to read */
  readonly refusedGroups: number
  readonly attributes: Attributes
  /** how SCIM calls the same person */
  readonly externalId: string | undefined
}

const MOST_GROUPS = 500
const MOST_VALUES = 50
const email = z.email().max(254)

/** Whether the claims say anything about groups: a list, even an empty one. */
export function tellsGroups(claims: Claims, { groupsClaim }: Pick<IdentityProvider, 'groupsClaim'>): boolean {
  const said = own(claims, groupsClaim)
  return Array.isArray(said) || typeof said === 'string'
}

/** undefined when the claims name nobody. */
export function readClaims(claims: Claims, mapping: IdentityProvider): Said | undefined {
  const subject = textOf(own(claims, 'sub'), 255)
  if (subject === undefined) return undefined
  const said = [own(claims, mapping.groupsClaim) ?? []].flat()
  const groups = said.slice(0, MOST_GROUPS).filter(isGroupName)
  return {
    subject,
    name: displayName([own(claims, 'name'), own(claims, 'preferred_username'), subject]),
    email: verifiedEmail(claims, mapping),
    groups: [...new Set(groups)],
    refusedGroups: said.length - groups.length,
    attributes: attributesIn(claims, mapping),
    externalId: textOf(own(claims, mapping.scimClaim), 255),
  }
}

// A name that is trimmed or shortened is another name, and with it another group.
function isGroupName(said: unknown): said is string {
  return typeof said === 'string' && nameOf().safeParse(said).data === said
}

function displayName(candidates: readonly unknown[]): string {
  for (const candidate of candidates) {
    if (typeof candidate !== 'string') continue
    const { data } = nameOf().safeParse(candidate.slice(0, 100))
    if (data !== undefined) return data
  }
  return 'somebody without a readable name'
}

/** An address decides who owns a resource: it is somebody's when the provider says that they proved it. */
function verifiedEmail(claims: Claims, { emailsVerified = false }: IdentityProvider): string | null {
  const verified = own(claims, 'email_verified')
  const isTheirs = verified === true || verified === 'true' || (verified === undefined && emailsVerified)
  return isTheirs ? (email.safeParse(own(claims, 'email')).data ?? null) : null
}

function attributesIn(claims: Claims, mapping: IdentityProvider): Attributes {
  const found = Object.entries(mapping.attributes).flatMap(([attribute, claim]) => {
    const said = claim === 'email' ? (verifiedEmail(claims, mapping) ?? undefined) : own(claims, claim)
    const values = [said].flat().slice(0, MOST_VALUES)
    const texts = values.map((value) => textOf(value, 500)).filter((value) => value !== undefined)
    if (texts.length === 0) return []
    return [[attribute, Array.isArray(said) ? texts : texts[0]!] as const]
  })
  return Object.fromEntries(found)
}

function textOf(value: unknown, max: number): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string' || value === '' || value.length > max) return undefined
  return flawOf(value) || /\p{Cc}/u.test(value) ? undefined : value
}

function own(claims: Claims, claim: string): unknown {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined
}
