import { readFileSync } from 'node:fs'
import type { Scope } from '../contract/identity.ts'
import { Secret } from '../sdk/index.ts'

export type ApiScopes = Readonly<Partial<Record<Scope, string>>>

/** Where people sign in, and what of its claims means what. */
export interface IdentityProvider {
  /** as the provider writes it */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret
  /** parted by spaces */
  readonly scopes: string
  readonly groupsClaim: string
  /** attribute → claim */
  readonly attributes: Readonly<Record<string, string>>
  /** of access tokens meant for the broker's API; undefined when it takes none */
  readonly audience?: string
  /** the public client of the command line */
  readonly cliClientId?: string
  /** other clients whose access tokens are taken */
  readonly apiClients?: readonly string[]
  /** what an access token must be granted at the provider to be used for more than reading here */
  readonly apiScopes?: ApiScopes
  /** the claim that equals a SCIM person's external id */
  readonly scimClaim: string
  /** only people SCIM brought sign in */
  readonly onlyScim?: boolean
  /** this provider gives nobody an address that is not theirs, and need not say so of each */
  readonly emailsVerified?: boolean
  /** sent with every sign-in, beside what the protocol wants */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /** what the command line asks for; the same as browsers do unless it is set */
  readonly cliScopes?: string
  /** sent by the command line (RFC 8707), for providers that make access tokens for the broker's API by it */
  readonly resource?: string
  /** `jwt`: access tokens need not be marked as such, where the provider cannot */
  readonly accessTokenType?: 'at+jwt' | 'jwt'
  /** how long what the provider says of itself is believed */
  readonly metadataMinutes?: number
}

/** As it was written, for the provider compares it letter by letter; undefined when it is none, or its answers could be forged on the wire. */
export function parseIssuer(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || url.username || url.search || url.hash) return undefined
  const isLoopback = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback) ? text : undefined
}

/** `department=dept,manager=manager_id` */
export function parseAttributes(text: string): Record<string, string> | undefined {
  const pairs = text.split(',').map((pair) => /^ *([a-z][a-z0-9_-]{0,49})=([!-~]{1,200}?) *$/.exec(pair))
  if (!pairs.every((pair) => pair !== null)) return undefined
  return Object.fromEntries(pairs.map(([, name = '', claim = '']) => [name, claim]))
}

/** `access_type=offline,prompt=consent`; nothing that the protocol itself sends */
export function parseParameters(text: string): Record<string, string> | undefined {
  const pairs = text.split(',').map((pair) => /^ *([a-z][a-z0-9_.-]{0,49})=([!-~]{1,200}?) *$/i.exec(pair))
  const isOwn = (name = '') =>
    /^(client_.*|redirect_uri|response_.*|scope|state|nonce|code_.*|request.*|id_token_hint|resource)$/i.test(name)
  if (!pairs.every((pair) => pair !== null && !isOwn(pair[1]))) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
}

/** `approve=latchkey.approve,request=latchkey.request`. Reading takes none. */
export function parseApiScopes(text: string): ApiScopes | undefined {
  const pairs = text.split(',').map((pair) => /^ *(request|approve|manage|audit)=([!#-[\]-~]{1,200}?) *$/.exec(pair))
  if (!pairs.every((pair) => pair !== null)) return undefined
  return Object.fromEntries(pairs.map(([, ours = '', theirs = '']) => [ours, theirs]))
}

/** undefined when the file cannot be read or is empty */
export function readSecretFile(file: string): Secret | undefined {
  try {
    const content = readFileSync(file, 'utf8').trim()
    return content === '' ? undefined : new Secret(content)
  } catch {
    return undefined // the caller says which variable names the file
  }
}
