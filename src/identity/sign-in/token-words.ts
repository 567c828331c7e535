import { errors } from 'jose'
import { BrokerError } from '../../sdk/index.ts'
import { TokenRefused } from '../refusals/token-refused.ts'

const OURS = 'ask an admin: '

/** Of tokens the provider has signed: why they do not serve, and what to do. */
const WORDS: Readonly<Record<string, readonly [string, string]>> = {
  aud: [
    'is not for this broker: its audience is another one',
    `${OURS}the provider has to write LATCHKEY_OIDC_AUDIENCE into the tokens of the command line’s client`,
  ],
  iss: ['is of another issuer', `${OURS}LATCHKEY_OIDC_ISSUER has to be what the provider calls itself`],
  expired: ['has expired', 'sign in again: latchkey login'],
  typ: [
    'is not marked as an access token (typ: at+jwt)',
    `${OURS}the provider has to issue at+jwt for the command line’s client, or LATCHKEY_OIDC_ACCESS_TOKEN_TYPE=jwt accepts others`,
  ],
  azp: ['was given to a program that may not call this broker', `${OURS}LATCHKEY_OIDC_CLI_CLIENT_ID names the program that may`],
  client_not_listed: [
    'was given to a program that may not call this broker',
    `${OURS}LATCHKEY_OIDC_CLI_CLIENT_ID and LATCHKEY_OIDC_API_CLIENTS name the programs that may`,
  ],
  no_client: [
    'does not say which program it was given to',
    `${OURS}the provider has to write client_id or azp into the tokens of the command line’s client`,
  ],
  refused_since: ['was made before the provider refused you', 'sign in again: latchkey login'],
  another_kind_of_token: ['is another kind of token', 'use the access token, not the ID token'],
  service_account: ['belongs to a program and to no person', 'sign in as a person, or use an API token'],
  too_large: ['is larger than 48 KiB', `${OURS}the provider has to put fewer groups into it, or tell them in userinfo alone`],
}

/** undefined where nothing is proved: its maker learns nothing. */
export function refusalInWords(error: unknown): BrokerError | undefined {
  const words = WORDS[keyOf(error)]
  if (words) return new BrokerError('auth.required', `the access token ${words[0]}`, { cause: error, fix: words[1] })
  if (error instanceof BrokerError && error.code === 'auth.forbidden') {
    return new BrokerError('auth.required', `the access token is valid, but not sufficient: ${error.message}`, {
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
