import type { IdentityProvider } from '../../config/identity-provider.ts'
import { type Claims, readClaims, type Said } from './claims.ts'
import type { GroupsSaid } from './group-names.ts'

/** In which of its documents a provider said something. */
export type Source = 'id_token' | 'userinfo' | 'access_token'
/** What made it say so: only a sign-in is asked for everything. */
export type Occasion = 'sign_in' | 'confirmation' | 'access_token'

/** The documents of one occasion. */
export interface Documents {
  readonly idToken?: Claims
  readonly userInfo?: Claims
  readonly accessToken?: Claims
}

export interface Fact<Value> {
  readonly value: Value
  readonly source: Source
}

/** By document, the claims it held and what kind of thing each was; never what they said. */
export type Arrived = Readonly<Partial<Record<Source, Readonly<Record<string, string>>>>>

/** What a provider said of somebody at one time. What it did not mention is not in it. */
export interface Statement {
  readonly occasion: Occasion
  readonly subject: string
  readonly externalId: string | undefined
  readonly name: Fact<string> | undefined
  readonly userName: Fact<string> | undefined
  readonly email: Fact<string | null> | undefined
  readonly groups: Fact<GroupsSaid> | undefined
  readonly attributes: Readonly<Record<string, Fact<string | readonly string[]>>>
  /** by document, which claims it held and what kind of thing each was */
  readonly arrived: Arrived
  /** Documents in which this provider says all it has to say: what was said there before and is not any more has ended. */
  readonly whole: readonly Source[]
}

/** undefined when no document names somebody. What userinfo says was asked last and comes first. */
export function statementOf(occasion: Occasion, documents: Documents, mapping: IdentityProvider): Statement | undefined {
  const all = [
    ['userinfo', documents.userInfo],
    ['id_token', documents.idToken],
    ['access_token', documents.accessToken],
  ] as const
  const said = all.flatMap(([source, claims]) => {
    const read = claims && readClaims(claims, mapping)
    return read ? [{ source, read }] : []
  })
  if (said[0] === undefined) return undefined
  const first = <Value>(pick: (read: Said) => Value | undefined): Fact<Value> | undefined => {
    const found = said.find(({ read }) => pick(read) !== undefined)
    return found && { value: pick(found.read)!, source: found.source }
  }
  return {
    occasion,
    subject: said[0].read.subject,
    externalId: first(({ externalId }) => externalId)?.value,
    name: first(({ name }) => name),
    userName: first(({ userName }) => userName),
    // An address that one of them vouches for is vouched for.
    email: first(({ email }) => email ?? undefined) ?? first(({ email }) => email),
    groups: first(({ groups }) => (groups?.told ? groups : undefined)) ?? first(({ groups }) => groups),
    attributes: Object.fromEntries(
      Object.keys(mapping.attributes).flatMap((attribute) => {
        const fact = first(({ attributes }) => (Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined))
        return fact ? [[attribute, fact] as const] : []
      }),
    ),
    arrived: Object.fromEntries(all.flatMap(([source, claims]) => (claims ? [[source, kindsOf(claims)] as const] : []))),
    // An ID token that comes with a refresh may say less than the first one did.
    whole: said.map(({ source }) => source).filter((source) => source === 'userinfo' || occasion === 'sign_in'),
  }
}

const MOST_CLAIMS = 100

function kindsOf(claims: Claims): Record<string, string> {
  const named = Object.keys(claims).filter((claim) => /^[!-~]{1,100}$/.test(claim))
  return Object.fromEntries(named.slice(0, MOST_CLAIMS).map((claim) => [claim, kindOf(claims[claim])] as const))
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `list of ${value.length}`
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? 'text' : typeof value
}
