import type { Claims } from './claims.ts'

/** Whether an access token is a program's own: nobody signed in for it, and everybody who holds a client's secret can have one. */
export function isServiceAccount(claims: Claims): boolean {
  const { sub, preferred_username: userName, idtyp, gty } = claims
  const clients = [claims['client_id'], claims['azp'], claims['cid'], claims['appid']]
  if (clients.includes(sub)) return true // RFC 9068, Okta
  if (idtyp === 'app') return true // Entra ID
  if (gty === 'client-credentials') return true // Auth0
  if ('clientHost' in claims || 'clientAddress' in claims) return true // Keycloak
  return typeof userName === 'string' && userName.startsWith('service-account-') // Keycloak
}
