import type { IdentityProvider } from '../../config/identity-provider.ts'
import { emailAddress } from '../../contract/email.ts'
import { flawOf, name as nameOf } from '../../contract/text.ts'
import { type GroupsSaid, readGroups } from './group-names.ts'

export type Claims = Readonly<Record<string, unknown>>
export type Attributes = Readonly<Record<string, string | readonly string[]>>

/** What one document of a provider says of somebody. What it does not mention is undefined: it may be said elsewhere. */
export interface Said {
  readonly subject: string
  readonly name: string | undefined
  /** what they are called to sign in */
  readonly userName: string | undefined
  /** null: an address is there, and nobody says that it is theirs */
  readonly email: string | null | undefined
  readonly groups: GroupsSaid | undefined
  readonly attributes: Attributes
  /** how SCIM calls the same person */
  readonly externalId: string | undefined
}

const MOST_VALUES = 50

/** undefined when the claims name nobody. */
export function readClaims(claims: Claims, mapping: IdentityProvider): Said | undefined {
  const subject = textOf(own(claims, 'sub'), 255)
  if (subject === undefined) return undefined
  return {
    subject,
    name: displayName(own(claims, 'name')),
    userName: displayName(own(claims, 'preferred_username')),
    email: emailIn(claims, mapping),
    groups: readGroups(claims, mapping.groupsClaim),
    attributes: attributesIn(claims, mapping),
    externalId: textOf(own(claims, mapping.scimClaim), 255),
  }
}

/** Whether a sign-in's ID token leaves nothing open that userinfo could add. */
export function mentionsAll(
  { name, groups, email, attributes }: Said,
  { scopes, attributes: wanted }: IdentityProvider,
): boolean {
  const isAddressOpen = email === undefined && scopes.split(' ').includes('email')
  return (
    name !== undefined &&
    groups?.told === true &&
    !isAddressOpen &&
    Object.keys(wanted).every((one) => Object.hasOwn(attributes, one))
  )
}

function displayName(said: unknown): string | undefined {
  return typeof said === 'string' ? nameOf().safeParse(said.slice(0, 100)).data : undefined
}

/** An address decides who owns a resource: it is somebody's when the provider says that they proved it. */
function emailIn(claims: Claims, { emailsVerified = false }: IdentityProvider): string | null | undefined {
  const said = own(claims, 'email')
  if (said === undefined) return undefined
  const verified = own(claims, 'email_verified')
  const isTheirs = verified === true || verified === 'true' || (verified === undefined && emailsVerified)
  return isTheirs ? (emailAddress.safeParse(said).data ?? null) : null
}

function attributesIn(claims: Claims, mapping: IdentityProvider): Attributes {
  const found = Object.entries(mapping.attributes).flatMap(([attribute, claim]) => {
    const said = claim === 'email' ? (emailIn(claims, mapping) ?? undefined) : own(claims, claim)
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
