interface ErrorKind {
  /** the HTTP status a caller of our API sees */
  readonly status: number
  /** whether the same attempt may succeed later, without anybody changing anything */
  readonly retryable: boolean
  readonly meaning: string
}

/** Every error the broker knows, by code. `docs/errors.md` lists the same set. */
export const ERRORS = {
  'input.invalid': { status: 400, retryable: false, meaning: 'a field, parameter or header of the call cannot be accepted' },
  'input.unsupported_media_type': { status: 415, retryable: false, meaning: 'the body is not application/json' },
  'input.too_large': { status: 413, retryable: false, meaning: 'the body is larger than the limit' },
  'auth.required': { status: 401, retryable: false, meaning: 'no valid credential came with the call' },
  'auth.forbidden': { status: 403, retryable: false, meaning: 'the caller may not do this' },
  'input.method': { status: 405, retryable: false, meaning: 'the path exists, and takes another method' },
  not_found: { status: 404, retryable: false, meaning: 'there is no such thing, or it is not the caller’s' },
  conflict: { status: 409, retryable: false, meaning: 'the state has changed, or does not allow this' },
  'name.taken': { status: 409, retryable: false, meaning: 'another one already has this name' },
  'rate.limited': { status: 429, retryable: true, meaning: 'too many calls' },
  'access.denied': { status: 422, retryable: false, meaning: 'no access flow allows this request' },
  'access.no_approver': { status: 422, retryable: false, meaning: 'there is no approver for this request' },
  'access.ungrantable': { status: 422, retryable: false, meaning: 'a resource cannot be granted exactly' },
  'access.plan_changed': { status: 409, retryable: false, meaning: 'what would be done differs from what was approved' },
  'access.self_approval': { status: 403, retryable: false, meaning: 'a requester never decides on their own request' },
  'access.same_person': { status: 403, retryable: false, meaning: 'this needs two people, and may have been done by one' },
  'grant.ending': { status: 409, retryable: false, meaning: 'too little time is left to mint a credential' },
  'target.unreachable': { status: 502, retryable: true, meaning: 'the target did not answer; the outcome of a write is unknown' },
  'target.timeout': {
    status: 504,
    retryable: true,
    meaning: 'the target did not answer in time; the outcome of a write is unknown',
  },
  'target.tls': { status: 502, retryable: true, meaning: 'the target’s certificate was not accepted' },
  'target.unready': { status: 503, retryable: true, meaning: 'the target answers and cannot serve; the message says why' },
  'target.busy': { status: 503, retryable: true, meaning: 'the target limits the rate of calls' },
  'target.failed': { status: 502, retryable: true, meaning: 'the target reported a fault of its own' },
  'target.denied': { status: 502, retryable: true, meaning: 'the target refused the broker: a capability is missing' },
  'target.login_failed': { status: 502, retryable: true, meaning: 'the target refused the broker’s own credential' },
  'target.locked_out': { status: 502, retryable: true, meaning: 'the target locked a temporary user out after wrong logins' },
  'target.unrevocable': { status: 502, retryable: false, meaning: 'the target gives credentials that cannot be ended' },
  'target.second_factor': { status: 502, retryable: false, meaning: 'the target asks temporary users for a second factor' },
  'target.invalid': { status: 502, retryable: false, meaning: 'the target refused the call as malformed' },
  'target.conflict': { status: 409, retryable: false, meaning: 'somebody else wrote first' },
  'target.not_found': { status: 502, retryable: false, meaning: 'the target has no such thing' },
  'target.unsupported': { status: 422, retryable: false, meaning: 'the target cannot do this' },
  'target.redirected': { status: 502, retryable: true, meaning: 'the target redirected to a host that is not allowed' },
  'target.scope': {
    status: 502,
    retryable: false,
    meaning: 'the part of the target that the integration names is not there, or not open to it',
  },
  'target.moved': {
    status: 502,
    retryable: true,
    meaning: 'a different system answers than the one in which the access was given',
  },
  'target.incomplete': { status: 502, retryable: true, meaning: 'something that should be gone is still there' },
  'target.unverified': { status: 502, retryable: true, meaning: 'what was read back is not what was written' },
  'target.unexpected': { status: 502, retryable: true, meaning: 'the answer is not one that this target gives' },
  'run.fenced': { status: 409, retryable: false, meaning: 'another replica has taken this run over' },
  'run.cancelled': { status: 409, retryable: false, meaning: 'the run was cancelled before it was done' },
  'run.locked': { status: 409, retryable: true, meaning: 'another run is changing the same resource' },
  'integration.unhealthy': { status: 422, retryable: false, meaning: 'the integration failed its checks' },
  unavailable: { status: 503, retryable: true, meaning: 'the broker cannot serve this now' },
  internal: { status: 500, retryable: false, meaning: 'a bug in the broker; its log has the request id' },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

export interface ErrorDetails {
  readonly cause?: unknown
  /** what the reader can do about it */
  readonly fix?: string
  /** the offending field, as a path into the body (`resources.0.path`) */
  readonly field?: string
  /** when the target says how long to wait, in milliseconds */
  readonly retryAfterMs?: number
  /** the target's own id of the exchange */
  readonly requestId?: string
}

/** The world's refusal, with a code and a remedy. A caller's bug is a `TypeError`; anything else is a bug of ours. */
export class BrokerError extends Error {
  readonly code: ErrorCode
  readonly fix?: string
  readonly field?: string
  readonly retryAfterMs?: number
  readonly requestId?: string

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(storable(message), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'BrokerError'
    this.code = code
    this.fix = details.fix === undefined ? undefined : storable(details.fix)
    this.field = details.field
    this.retryAfterMs = details.retryAfterMs
    this.requestId = details.requestId
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }
}

/** What came from elsewhere, as any database takes it: without NUL and halves of characters, which would spoil what is stored with it. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** True for a `BrokerError` with one of the given codes. */
export function isBrokerError(error: unknown, ...codes: ErrorCode[]): error is BrokerError {
  return error instanceof BrokerError && (codes.length === 0 || codes.includes(error.code))
}
