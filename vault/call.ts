import type { Secret } from './secret.ts'

/** What a call is for. A server that limits the rate serves too few of them: then those that end access go first. */
export type Rank = 'ending' | 'opening' | 'provisioning' | 'background'

export interface VaultCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /**
   * Path after `/v1/`, as unencoded segments: `['sys', 'policies', 'acl', name]`. A string may hold several segments (`'auth/apono'`,
   * a mount path); what comes from outside goes in as segments of its own. Each segment is percent-encoded once.
   */
  readonly path: readonly string[]
  /** keeps the trailing slash that LIST wants */
  readonly list?: boolean
  readonly query?: Readonly<Record<string, string>>
  /** sent as JSON; a Secret inside is revealed here and nowhere else */
  readonly body?: Readonly<Record<string, unknown>>
  readonly wrapTtlSeconds?: number
  /** `none` for login and health; otherwise the session's own token, or the one given */
  readonly token?: 'none' | Secret
  /** statuses besides 2xx that are an answer and not an error */
  readonly accept?: readonly number[]
  /** answered by the active node where the server can be told so: a node that lags behind would answer with what was */
  readonly fromActive?: boolean
  /** false for calls that must not carry the namespace header (health, seal status) */
  readonly namespaced?: boolean
  /** sent as `x-correlation-id`, with each attempt; unless said, each has one of its own */
  readonly correlationId?: string
  /** repeat after 429, 503, 412 and refused connections; only for calls that bear repetition */
  readonly repeatable?: boolean
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** what it is for; unless said, it can wait */
  readonly rank?: Rank
  /** called right before the request leaves; throws when it must not */
  readonly guard?: () => void
}

export interface VaultAnswer {
  readonly status: number
  /** the server's own `request_id`, as its audit log shows it; a 204, a 404 and an error bring none, and then it is `correlationId` */
  readonly requestId?: string
  /** ours, sent with the call as `x-correlation-id` */
  readonly correlationId: string
  /** when the answer arrived, RFC 3339 */
  readonly at: string
  /** the parsed body, `{}` when empty */
  readonly body: Readonly<Record<string, unknown>>
  /** `body.data` when it is an object */
  readonly data: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
  readonly errors: readonly string[]
}
