import type { IdentityProvider } from '../../config/identity-provider.ts'
import { SCOPES, type Scope } from '../../contract/identity.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import type { Claims } from './claims.ts'

/** Where providers say for which of their clients they made a token: RFC 9068, OpenID Connect, Okta, Entra ID. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'cid', 'appid']

/** Throws unless every client an access token names may bring one, and it names one: any client of the provider may ask for our audience. */
export function refuseStrangeClients(claims: Claims, { cliClientId, apiClients = [] }: IdentityProvider): void {
  const listed = new Set<unknown>([cliClientId, ...apiClients].filter((client) => client !== undefined))
  const named = CLIENT_CLAIMS.flatMap((claim) => claims[claim] ?? [])
  if (named.length === 0) throw new TokenRefused('no_client')
  if (!named.every((client) => listed.has(client))) throw new TokenRefused('client_not_listed')
}

/** What an access token may be used for: reading, and what its own scopes are mapped to. */
export function scopesOf(claims: Claims, { apiScopes = {} }: IdentityProvider): Scope[] {
  const granted = [claims['scope'], claims['scp']].flat().flatMap((said) => (typeof said === 'string' ? said.split(' ') : []))
  return SCOPES.filter((scope) => scope === 'read' || granted.includes(apiScopes[scope] ?? ' '))
}
