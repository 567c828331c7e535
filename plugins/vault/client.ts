import type { VaultAnswer, VaultCall } from '../../vault/index.ts'

/** What a probe of the server found; versions are never compared. */
export interface VaultFeatures {
  /** policies may carry an expiration, at both levels, and the server enforces it */
  readonly policyExpiration: boolean
  /** `cas` on policies is honoured */
  readonly policyCas: boolean
  /** a userpass user may be written with `password_hash` */
  readonly passwordHash: boolean
  /** `after`/`limit` page a LIST */
  readonly pagedList: boolean
  /** `detailed-metadata` lists tags with the names */
  readonly detailedMetadata: boolean
  /** RFC 3339 */
  readonly probedAt: string
}

/** One connection to one server (and namespace) with the broker's own session. Every path of the API is spelled by its user. */
export interface VaultClient {
  readonly settings: VaultSettings
  /** Sends one call. Throws a coded `BrokerError` for every status that is neither 2xx nor accepted. */
  call(call: VaultCall): Promise<VaultAnswer>
  /** What this server can do; probed once and kept, probed again after a change of version or an hour. */
  features(signal?: AbortSignal): Promise<VaultFeatures>
  /** Whether the server's audit log shows what we send as `x-correlation-id`; undefined where the broker may not see that. */
  auditsCorrelation(signal?: AbortSignal, fresh?: 'fresh'): Promise<boolean | undefined>
  /** The last probe's result, if there is one. */
  knownFeatures(): VaultFeatures | undefined
}

/** The part of the configuration that the plugin's files need besides the connection. */
export interface VaultSettings {
  /** path of the dedicated userpass mount under `auth/`, no slashes at its ends: `apono` */
  readonly userpassMount: string
  /** prefix of grant policies: `apono-g-` */
  readonly policyPrefix: string
  /** the broker's own policy */
  readonly policyName: string
  /** policies that may be changed: names, or beginnings with a star behind */
  readonly policies: readonly string[]
  /** KV v2 mounts to look into, no trailing slash; `all` for every one the broker sees */
  readonly kvMounts: readonly string[] | 'all'
  readonly transitMounts: readonly string[] | 'all'
  /** database engines whose credentials may be rotated */
  readonly databaseMounts: readonly string[]
  /** secrets that certificates may be read from */
  readonly certificatePaths: readonly { readonly mount: string; readonly path: string }[]
  /** by which certificates may be issued */
  readonly pkiRoles: readonly { readonly mount: string; readonly role: string }[]
  /** for commands shown to people */
  readonly address: string
  readonly namespace?: string
  /** how long an unopened delivery stays valid, seconds */
  readonly wrapTtlSeconds: number
}
