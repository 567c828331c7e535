import { BrokerError, type ErrorCode, type ErrorDetails } from '../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from './call.ts'

interface Meaning {
  readonly status: number | readonly number[]
  /** a piece of the server's text, lower case; without it the line is the status's default */
  readonly text?: string
  readonly code: ErrorCode
  readonly says: string
  readonly fix?: string
}

/** vault.md §9 as data: the first line that fits an answer names it. Texts are matched on lower-case substrings. */
const MEANINGS: readonly Meaning[] = [
  { status: 400, text: 'check-and-set parameter', code: 'target.conflict', says: 'somebody else wrote first' },
  { status: 400, text: 'invalid key "expiration"', code: 'target.unsupported', says: 'policies cannot carry an expiration here' },
  {
    status: 400,
    text: 'wrapping token is not valid',
    code: 'target.not_found',
    says: 'the wrapping token was used or has expired',
  },
  ...[
    'invalid role or secret id',
    'invalid username or password',
    'error validating token',
    'invalid role_id',
    'missing role_id',
    'no certificate was matched',
    'invalid certificate or no client certificate',
  ].map((text): Meaning => ({ status: 400, text, code: 'target.login_failed', says: 'the login was refused' })),
  {
    status: 400,
    text: 'upgrading from non-versioned',
    code: 'target.failed',
    says: 'the KV mount is being upgraded',
    fix: 'wait for the upgrade to end',
  },
  {
    status: 400,
    text: 'waiting for the primary to upgrade',
    code: 'target.failed',
    says: 'the KV mount is being upgraded',
    fix: 'wait for the upgrade to end',
  },
  {
    status: 400,
    text: 'failed to revoke',
    code: 'target.incomplete',
    says: 'a leased secret could not be revoked',
    fix: 'see whether the system behind the lease (a database) answers',
  },
  { status: 400, text: 'in namespaces', code: 'target.namespace', says: 'this call exists only in the root namespace' },
  {
    status: 400,
    text: 'only available in root namespace',
    code: 'target.namespace',
    says: 'this call exists only in the root namespace',
  },
  {
    status: 400,
    text: 'vault is not initialized',
    code: 'target.uninitialized',
    says: 'the server was never initialised',
    fix: 'run `vault operator init`',
  },
  { status: 400, text: 'lease is not renewable', code: 'target.login_failed', says: 'the token cannot be renewed' },
  { status: 400, text: 'cannot be renewed', code: 'target.login_failed', says: 'the token cannot be renewed' },
  {
    status: 404,
    text: 'invalid path for a versioned',
    code: 'target.unsupported',
    says: 'the mount is KV v2 and was asked as v1',
  },
  {
    status: 404,
    text: 'no handler for route',
    code: 'target.not_found',
    says: 'nothing is mounted there',
    fix: 'enable the engine or correct the mount path',
  },
  { status: 404, text: 'unsupported path', code: 'target.unsupported', says: 'the engine has no such path' },
  {
    status: 404,
    text: 'namespace not found',
    code: 'target.namespace',
    says: 'the namespace does not exist',
    fix: 'correct the namespace; Vault Community has none',
  },
  { status: 500, text: 'policies have changed', code: 'target.login_failed', says: 'the token cannot be renewed' },
  { status: 500, text: 'past the max ttl', code: 'target.login_failed', says: 'the token cannot be renewed' },
  { status: 500, text: 'during renewal', code: 'target.login_failed', says: 'the token cannot be renewed' },
  {
    status: 500,
    text: 'active cluster node not found',
    code: 'target.standby',
    says: 'the node is a standby and no active node answers',
  },
  ...['is not an allowed role', 'username does not exist', 'exceeds 72 bytes', 'missing password'].map(
    (text): Meaning => ({ status: 500, text, code: 'target.invalid', says: 'the input was refused' }),
  ),
  { status: 503, text: 'namespace is sealed', code: 'target.sealed', says: 'the namespace is sealed', fix: 'unseal it' },
  { status: 503, text: 'sealed', code: 'target.sealed', says: 'the server is sealed', fix: 'unseal it' },
  {
    status: 503,
    text: 'locked',
    code: 'target.namespace',
    says: 'the namespace is locked',
    fix: 'an administrator must unlock it',
  },
  { status: 503, text: 'no active', code: 'target.standby', says: 'the node is a standby and no active node answers' },
  { status: [400, 413, 415], code: 'target.invalid', says: 'the call was refused as malformed' },
  { status: 403, code: 'target.denied', says: 'the server refused' },
  { status: 404, code: 'target.not_found', says: 'there is no such thing' },
  { status: 405, code: 'target.unsupported', says: 'the server does not know this operation' },
  { status: 412, code: 'target.standby', says: 'the node has not caught up yet' },
  { status: 429, code: 'target.busy', says: 'a rate or lease quota of the server is exhausted', fix: 'raise the quota, or wait' },
  {
    status: [472, 473, 474, 530],
    code: 'target.standby',
    says: 'the node cannot serve this',
    fix: 'give the address of the active cluster',
  },
  { status: 501, code: 'target.uninitialized', says: 'the server was never initialised', fix: 'run `vault operator init`' },
  { status: [500, 502, 503, 504], code: 'target.failed', says: 'the server reported a fault of its own' },
]

/** The error that an answer means. `fix` says how to get the missing capability, when that is what is missing. */
export function refusal(call: VaultCall, answer: VaultAnswer, deniedFix?: string): BrokerError {
  // `sys/health` says so in its body, and has no errors.
  const isSealed = answer.status === 503 && answer.body['sealed'] === true
  const text = [...answer.errors, ...answer.warnings, ...(isSealed ? ['sealed'] : [])].join('; ').toLowerCase()
  const meaning = MEANINGS.find(
    (line) => [line.status].flat().includes(answer.status) && (line.text === undefined || text.includes(line.text)),
  )
  const code = meaning?.code ?? 'target.unexpected'
  const said = inShort(answer.errors)
  return new BrokerError(
    code,
    `${describeCall(call)} answered ${answer.status}: ${versionState(answer) ?? meaning?.says ?? 'an answer this server should not give'}${said && ` (${said})`}`,
    { requestId: answer.requestId, fix: code === 'target.denied' ? deniedFix : meaning?.fix },
  )
}

/** Method and path, never query or body. */
export function describeCall(call: VaultCall): string {
  return `${call.list ? 'LIST' : call.method} ${call.path.join('/')}`
}

function versionState(answer: VaultAnswer): string | undefined {
  const metadata = answer.status === 404 ? answer.data['metadata'] : undefined
  if (typeof metadata !== 'object' || metadata === null) return undefined
  return 'destroyed' in metadata && metadata.destroyed === true ? 'the version is destroyed' : 'the version is deleted'
}

function inShort(errors: readonly string[]): string {
  const text = errors
    .join('; ')
    .replace(/\d+ errors? occurred:\s*/g, '')
    .replace(/[\s*]+/g, ' ')
    .trim()
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])
const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])
const TLS = /^(CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO|INVALID_CA)/

/** A failure below HTTP. `sent` says whether the server may have seen the call: then the outcome of a write is unknown. */
export class NetworkFailure extends BrokerError {
  readonly sent: boolean

  constructor(code: ErrorCode, message: string, sent: boolean, details: ErrorDetails) {
    super(code, message, details)
    this.sent = sent
  }
}

export function networkFailure(call: VaultCall, address: string, cause: unknown): NetworkFailure {
  const code = codeOf(cause)
  const where = `${describeCall(call)} at ${address}`
  const failure = (kind: ErrorCode, what: string, sent: boolean, fix?: string) =>
    new NetworkFailure(kind, `${where}: ${what}`, sent, { cause, fix })
  if (isTimeout(cause)) {
    const fix = 'look at the server’s load and at what lies between, or raise the integration’s timeout'
    return failure('target.timeout', 'no answer in time', code !== 'UND_ERR_CONNECT_TIMEOUT', fix)
  }
  if (TLS.test(code)) {
    const fix = 'give the CA certificate that signed it, and an address whose host name it carries'
    return failure('target.tls', `the server’s certificate was not accepted (${code})`, false, fix)
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return failure('target.unexpected', 'the answer is too large', true)
  const fix = 'see that the address is right and that the broker’s host may reach it'
  return failure('target.unreachable', `no connection (${code || 'closed'})`, !NOT_SENT.has(code), fix)
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
