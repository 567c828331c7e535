import * as client from 'openid-client'
import { BrokerError } from '../../sdk/index.ts'
import { oauthCodeOf } from '../refusals/oauth-codes.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { unreachable } from './provider.ts'

/** Which are about the broker's own client and settings, and what to do about each. */
const OWN: Readonly<Record<string, string>> = {
  invalid_client:
    'check LATCHKEY_OIDC_CLIENT_ID and LATCHKEY_OIDC_CLIENT_SECRET; the secret may have been regenerated, or the client switched off',
  // Keycloak's word for a wrong secret as well.
  unauthorized_client:
    'check LATCHKEY_OIDC_CLIENT_SECRET, and allow the broker’s client the authorization code flow and refresh tokens',
  unsupported_grant_type: 'allow the broker’s client the authorization code flow and refresh tokens at the provider',
  invalid_scope:
    'check LATCHKEY_OIDC_SCOPES: the provider does not know one of the scopes, or does not give it to the broker’s client',
  invalid_redirect_uri: 'register LATCHKEY_PUBLIC_URL with /auth/callback as the redirect URI of the broker’s client',
  invalid_target: 'check LATCHKEY_OIDC_RESOURCE: the provider does not know it',
}

/** With which the provider answered: it is on the error, or on the response that is somewhere among its causes. */
export function statusOf(error: unknown): number | undefined {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { status } = at as { status?: unknown }
    if (typeof status === 'number') return status
  }
  return undefined
}

/**
 * What an answer of the token endpoint means: of a grant that is not taken, the provider says no. Everything else says nothing of the person:
 * the broker's own client was refused, or something else answered in the provider's place.
 */
export function refusalOf(error: unknown): TokenRefused | BrokerError {
  if (error instanceof BrokerError || error instanceof TokenRefused) return error
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant')
    return new TokenRefused('invalid_grant', error)
  return ownFault(error) ?? unreachable(error)
}

/** The provider is there, and does not want the broker: nobody's sign-in is at fault. */
export function ownFault(error: unknown): BrokerError | undefined {
  const code = oauthCodeOf(error)
  const fix = code === undefined ? undefined : OWN[code]
  if (fix === undefined) return undefined
  return new BrokerError('unavailable', `the identity provider refuses the broker itself: ${code}`, { cause: error, fix })
}

/** undefined when it is userinfo's own no about this access token, and no proxy's page. */
export function faultOfUserInfo(error: unknown): TokenRefused | BrokerError | undefined {
  if (error instanceof BrokerError || error instanceof TokenRefused) return error
  if (error instanceof client.ClientError && error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED')
    return new TokenRefused('sub')
  const status = statusOf(error)
  if ((status === 401 || status === 403) && isProvidersOwn(error)) return undefined
  return unreachable(error)
}

function isProvidersOwn(error: unknown): boolean {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    if (at instanceof client.WWWAuthenticateChallengeError) return true
    if (isResponse(at)) return /json|jwt/.test(at.headers.get('content-type') ?? '')
  }
  return false
}

// Not of the platform's class: the agent has one of its own.
function isResponse(value: object): value is Response {
  return 'headers' in value && typeof (value.headers as { get?: unknown } | null)?.get === 'function'
}
