import type { VaultCall } from './call.ts'

/** What went wrong, for programs to decide by. */
export const VAULT_ERRORS = {
  denied: 'the server refused: a capability is missing',
  login_failed: 'the server refused the credential, or the token cannot be renewed',
  not_found: 'there is no such thing, or nothing is mounted there',
  invalid: 'the server refused the call as malformed',
  conflict: 'somebody else wrote first',
  unsupported: 'this server, or this engine, cannot do that',
  incomplete: 'a leased secret could not be revoked',
  sealed: 'the server, or the namespace, is sealed',
  standby: 'the node is a standby that cannot serve the call, and no active node does',
  uninitialized: 'the server was never initialised',
  namespace: 'the namespace does not exist, is locked, has no such call, or was not honoured',
  busy: 'a rate or lease quota of the server is exhausted',
  failed: 'the server reported a fault of its own',
  redirected: 'the server redirected to a host that is not allowed',
  unexpected: 'the answer is none that Vault or OpenBao gives',
  unreachable: 'there was no connection; see `sent`',
  timeout: 'there was no answer in time; see `sent`',
  tls: 'the certificate of the server was not accepted',
  closed: 'the connection was closed by its owner',
} as const

export type VaultErrorKind = keyof typeof VAULT_ERRORS

export interface VaultErrorDetails {
  readonly cause?: unknown
  /** the HTTP status, where there was an answer */
  readonly status?: number
  /** of the answer, or the `x-correlation-id` that was sent */
  readonly requestId?: string
  /** what the server said, without the secrets of the call */
  readonly errors?: readonly string[]
  /** what the reader can do about it */
  readonly fix?: string
}

/** What every call and every login of this library fails with, except for a caller's own abort, guard or mistake. */
export class VaultError extends Error {
  readonly kind: VaultErrorKind
  readonly status?: number
  readonly requestId?: string
  readonly errors: readonly string[]
  readonly fix?: string

  constructor(kind: VaultErrorKind, message: string, details: VaultErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'VaultError'
    this.kind = kind
    this.status = details.status
    this.requestId = details.requestId
    this.errors = details.errors ?? []
    this.fix = details.fix
  }
}

/** True for a `VaultError` of one of the given kinds, or of any where none is given. */
export function isVaultError(error: unknown, ...kinds: VaultErrorKind[]): error is VaultError {
  return error instanceof VaultError && (kinds.length === 0 || kinds.includes(error.kind))
}

/** Method and path, never query or body. */
export function describeCall(call: VaultCall): string {
  return `${call.list ? 'LIST' : call.method} ${call.path.join('/')}`
}

const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])
const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])
const TLS = /^(CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO|INVALID_CA)/

/** A failure below HTTP. `sent` says whether the server may have seen the call: then the outcome of a write is unknown. */
export class NetworkFailure extends VaultError {
  readonly sent: boolean

  constructor(kind: VaultErrorKind, message: string, sent: boolean, details: VaultErrorDetails) {
    super(kind, message, details)
    this.sent = sent
  }
}

export function networkFailure(call: VaultCall, address: string, cause: unknown): NetworkFailure {
  const code = codeOf(cause)
  const where = `${describeCall(call)} at ${address}`
  const failure = (kind: VaultErrorKind, what: string, sent: boolean, fix?: string) =>
    new NetworkFailure(kind, `${where}: ${what}`, sent, { cause, fix })
  if (isTimeout(cause)) {
    const fix = 'check the server’s load and the network, or raise the integration’s timeout'
    return failure('timeout', 'no answer in time', code !== 'UND_ERR_CONNECT_TIMEOUT', fix)
  }
  if (TLS.test(code)) {
    const fix = 'give the CA that signed the certificate, and an address whose host name is in the certificate'
    return failure('tls', `the server’s certificate was not accepted (${code})`, false, fix)
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return failure('unexpected', 'the answer is too large', true)
  const fix = 'check the address, and that this host may reach it'
  return failure('unreachable', `no connection (${code || 'closed'})`, !NOT_SENT.has(code), fix)
}

function isTimeout(error: unknown): boolean {
  return TIMEOUTS.has(codeOf(error)) || (error instanceof Error && error.name === 'TimeoutError')
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code && code !== 'UND_ERR_ABORTED') return code
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return codeOf(error.cause) || code
}
