import { errors } from 'jose'
import { BrokerError } from '../../sdk/index.ts'
import { TokenRefused } from '../refusals/token-refused.ts'

const OURS = 'ask an admin: '

/** Of tokens the provider has signed: why they do not serve, and what to do. */
const WORDS: Readonly<Record<string, readonly [string, string]>> = {
  aud: [
    'is not for this broker: its audience is a different one',
    `${OURS}the provider must put the value of LATCHKEY_OIDC_AUDIENCE into the tokens of the command line’s client`,
  ],
  iss: [
    'is from a different issuer',
    `${OURS}LATCHKEY_OIDC_ISSUER must be the issuer’s name in the provider’s discovery document`,
  ],
  expired: ['has expired', 'sign in again: latchkey login'],
  typ: [
    'is not marked as an access token (typ: at+jwt)',
    `${OURS}the provider must issue tokens of type at+jwt for the command line’s client, or LATCHKEY_OIDC_ACCESS_TOKEN_TYPE must be jwt`,
  ],
  azp: [
    'was issued to a program that may not call this broker',
    `${OURS}LATCHKEY_OIDC_CLI_CLIENT_ID must name the program that may`,
  ],
  client_not_listed: [
    'was issued to a program that may not call this broker',
    `${OURS}LATCHKEY_OIDC_CLI_CLIENT_ID or LATCHKEY_OIDC_API_CLIENTS must name the programs that may`,
  ],
  no_client: [
    'does not say to which program it was issued',
    `${OURS}the provider must put client_id or azp into the tokens of the command line’s client`,
  ],
  refused_since: ['was issued before the provider refused you', 'sign in again: latchkey login'],
  another_kind_of_token: ['is a different kind of token', 'use the access token, not the ID token'],
  service_account: ['belongs to a program, not to a person', 'sign in as a person, or use an API token'],
  too_large: ['is larger than 48 KiB', `${OURS}the provider must put fewer groups into the token, or send them only in userinfo`],
}

/** undefined where nothing is proved: its maker learns nothing. */
export function refusalInWords(error: unknown): BrokerError | undefined {
  const words = WORDS[keyOf(error)]
  if (words) return new BrokerError('auth.required', `the access token ${words[0]}`, { cause: error, fix: words[1] })
  if (error instanceof BrokerError && error.code === 'auth.forbidden') {
    return new BrokerError('auth.required', `the access token is valid, but not enough: ${error.message}`, {
      cause: error,
      fix: error.fix ?? 'sign in once with a browser at /auth/login, or ask an admin',
    })
  }
  return undefined
}

/** Who a token names that the provider has signed; undefined while that is not known. */
export function subjectOf(error: unknown): string | undefined {
  const { subject } = error as { subject?: unknown }
  if (typeof subject === 'string') return subject
  const cause = error instanceof TokenRefused ? error.cause : error
  const isProved = cause instanceof errors.JWTExpired || cause instanceof errors.JWTClaimValidationFailed
  return isProved && cause.claim !== 'iss' && typeof cause.payload.sub === 'string' ? cause.payload.sub : undefined
}

function keyOf(error: unknown): string {
  if (!(error instanceof TokenRefused)) return ''
  const { cause, code } = error
  if (cause instanceof errors.JWTExpired) return 'expired'
  return cause instanceof errors.JWTClaimValidationFailed ? cause.claim : code
}
