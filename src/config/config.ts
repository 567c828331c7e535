import type { Secret } from '../sdk/index.ts'
import type { IdentityProvider } from './identity-provider.ts'
import type { LentFile } from './integration-files.ts'
import type { KeySource } from './key-source.ts'
import type { LogLevel } from './log-levels.ts'
import type { MetricsAddress } from './metrics-address.ts'
import type { Mailbox, SmtpServer } from './smtp-server.ts'

/** What the environment told the daemon. Read once, never changed. */
export interface Config {
  readonly database:
    | {
        readonly kind: 'external'
        readonly url: Secret
        /** of the role that owns the tables; otherwise the one the daemon works as */
        readonly ownerUrl?: Secret | undefined
      }
    | { readonly kind: 'embedded'; readonly fsync: boolean }
  readonly poolSize: number
  readonly host: string
  /** 0: one that is free */
  readonly port: number
  /** origin under which people reach the broker, without a final slash; undefined when only the port we get will tell */
  readonly publicUrl?: string
  /** where the metrics are, apart from everything else; undefined: at our own port, for this machine alone */
  readonly metricsAddress?: MetricsAddress
  /** absolute */
  readonly stateDir: string
  readonly logLevel: LogLevel
  readonly key: KeySource
  /** open what they sealed, which comes under the present one */
  readonly formerKeys: readonly KeySource[]
  /** opens what replicas sealed that have it already */
  readonly nextKeys: readonly KeySource[]
  /** ids of keys that nobody has any more: what they sealed is lost, and stops no start */
  readonly lostKeys: readonly string[]
  /** ten digits; otherwise the state folder has them */
  readonly instance?: string
  /** allows what must never be used in production */
  readonly development: boolean
  /** as Express takes it: how many proxies stand before us, or which addresses they have */
  readonly trustProxy: false | number | readonly string[]
  readonly shutdownSeconds: number
  readonly pendingHours: number
  /** from then on an end of access that does not succeed is called stuck, and people are told */
  readonly stuckAfterSeconds: number
  /** how long rows are kept that nothing needs any more */
  readonly keepDays: { readonly notifications: number; readonly openings: number; readonly steps: number }
  /** how long a proposal waits for a second person */
  readonly proposalHours: number
  /** changes wait for a second person; docs/operations.md lists which */
  readonly fourEyes: boolean
  readonly discoveryMinutes: number
  /** files that integrations may read, and where each may be sent */
  readonly integrationFiles: readonly LentFile[]
  /** who takes our e-mail, and who it is from; undefined when nobody is told by e-mail */
  readonly smtp?: SmtpServer & {
    readonly from: Mailbox
    /** a letter may leave without TLS where the server offers none */
    readonly mayBePlain?: boolean
  }
  /** how people sign in; undefined when there are API tokens alone */
  readonly oidc?: IdentityProvider
  readonly sessionIdleMinutes: number
  readonly sessionHours: number
  /** how long what a sign-in said of somebody's groups counts */
  readonly groupsFreshMinutes: number
  /** where signed heads of the audit trail are appended; the log has them in any case */
  readonly checkpointFile?: string
  readonly checkpointSeconds: number
  /** what the operator lets travel in the clear, in words */
  readonly inTheClear: readonly string[]
  /** how long tokens of people who sign in count after the provider's last yes */
  readonly tokensConfirmedHours: number
}
