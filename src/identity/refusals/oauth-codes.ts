import * as client from 'openid-client'

// RFC 6749, 6750, 7009, 8628, OpenID Connect Core: a closed list, so that nothing else of a provider's answer is repeated.
const CODES = [
  'access_denied',
  'account_selection_required',
  'consent_required',
  'expired_token',
  'insufficient_scope',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_redirect_uri',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'login_required',
  'not_allowed',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
]

/** undefined when the provider gave none that is known. */
export function oauthCodeOf(error: unknown): string | undefined {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { error: code } = at as { error?: unknown }
    if (typeof code === 'string' && CODES.includes(code)) return code
    if (at instanceof client.WWWAuthenticateChallengeError) {
      const challenge = at.cause.map(({ parameters }) => parameters.error).find((one) => one !== undefined && CODES.includes(one))
      if (challenge !== undefined) return challenge
    }
  }
  return undefined
}
