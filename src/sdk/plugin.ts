import type { z } from 'zod'
import type { AnyAction, GrantAccessAction, Json, TargetIdentity } from './action.ts'
import type { CertificateSources } from './certificates.ts'
import type { Distributes } from './distribution.ts'
import type { Secret } from './secret.ts'

export interface Manifest {
  /** lower case, kebab; stored with every integration, never changed */
  readonly id: string
  readonly name: string
  readonly vendor: string
  readonly description: string
  readonly sdk: 1
  /** path of the setup guide, relative to the project's root */
  readonly guide: string
}

/** What the plugin may ask of the daemon that holds it. */
export interface Host {
  /** `int_…`; for log lines and names, never for access */
  readonly integrationId: string
  readonly version: string
  /** true only where the operator said so: allows what must never be used in production */
  readonly insecureDevelopment: boolean
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, Json>>): void
  /** Sealed storage of this integration at its present destination, for a credential that the target replaces (an exchanged one, a rotated one). */
  keep(name: string, value: Secret): Promise<void>
  recall(name: string): Promise<Secret | undefined>
  /**
   * The text of a file that the operator lends to integrations for each of these addresses. Undefined for whatever reason; say the same
   * of all of them, because the reason would tell what lies on the daemon's disk. The daemon's log has it.
   */
  file(path: string, addresses: readonly string[]): Promise<string | undefined>
}

export interface HealthCheck {
  /** what was looked at, stable between runs: `may list doors` */
  readonly name: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly detail: string
  /** the exact thing to do or line to add */
  readonly fix?: string
}

export interface Permission {
  readonly id: string
  readonly title: string
  /** what it allows, in one sentence */
  readonly description: string
}

export interface ResourceType {
  /** unique over all plugins, so it begins with the id of its own */
  readonly id: string
  readonly title: string
  readonly permissions: readonly Permission[]
}

export interface DiscoveredResource {
  readonly type: string
  /** unique within its type and integration, as a person would type it: `north/archive` */
  readonly name: string
  /** what the plugin needs to grant it; never a value of a secret */
  readonly attributes: Readonly<Record<string, Json>>
  readonly tags?: Readonly<Record<string, string>>
  /** why it cannot be granted exactly; listed and marked */
  readonly ungrantable?: string
}

/** One folder, read whole. */
export interface DiscoveryPage {
  /** as named by the page that held it; '' is the root */
  readonly folder: string
  /** every resource directly in it */
  readonly resources: readonly DiscoveredResource[]
  /** every folder directly in it; each becomes a page of its own in this walk */
  readonly folders: readonly string[]
  /** why it could not be read; the walk is then incomplete and retires nothing */
  readonly unreadable?: string
  /** what the operator should know: a part of the target that is not supported */
  readonly notices?: readonly string[]
}

export interface Described {
  readonly type: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly attributes?: Readonly<Record<string, Json>>
  /** why nothing of it could be read: what was known of it before stays */
  readonly unreadable?: string
}

/** What bears our mark in the target. */
export interface Marked {
  /** what it is, for people: `slot apono-g-…` */
  readonly artefact: string
  /** the run it belongs to, read from the target; undefined when it cannot be told, or when its name is not the one the run gives */
  readonly runId?: string
  /** the installation that made it, read from the target; undefined when it carries no stamp */
  readonly instance?: string
  /** of a check that may be under way: without power, and taken away by the check itself. The sweep leaves it and comes again soon */
  readonly underWay?: boolean
  /** looks once more, where it is known first-hand, before it is removed */
  stands?(): Promise<boolean>
  /** removes it; succeeds when it is already gone */
  remove(): Promise<void>
}

export interface GrantInput {
  readonly resources: readonly {
    readonly type: string
    readonly name: string
    readonly attributes: Readonly<Record<string, Json>>
    readonly permissions: readonly string[]
  }[]
}

/** How the broker's own session with the target stands. */
export interface SessionStatus {
  readonly ok: boolean
  readonly detail: string
  /** nothing was sent yet, so that `ok` says nothing of the target */
  readonly isUnused?: true
  /** RFC 3339; when it ends unless renewed */
  readonly endsAt?: string
  readonly renewedAt?: string
}

export interface PolicyAdvice {
  /** the document to store in the target */
  readonly document: string
  /** commands that set everything up, in order, ready to paste */
  readonly commands: readonly string[]
}

/** Code that teaches the broker one kind of system. What is absent is not offered. */
export interface Plugin<Config, Client> {
  readonly manifest: Manifest
  /** the form, the validation and the sealing come from here; mark secrets with `secret()` */
  readonly config: z.ZodType<Config>
  /**
   * Fields of the configuration (`address`, `login.realm`) that decide where its secrets are sent. They are sealed for these values alone, so
   * a field that is added later may only be one that no stored configuration has.
   */
  readonly secretsGoTo: readonly string[]
  /**
   * Keys of the configuration that say where grants live: `system` leads to it and may change when the same system answers, `inside` may
   * not change while anything lives there.
   */
  readonly livesAt?: {
    readonly system: readonly (keyof Config & string)[]
    readonly inside: readonly (keyof Config & string)[]
  }
  /** Which system answers now. Asked before access is given, ended or proved gone: cheap, and no right is needed for it. */
  identify?(client: Client, signal: AbortSignal): Promise<TargetIdentity>
  /** Cheap: opens nothing that `close` does not close. Does not have to reach the target; the first use does. */
  connect(config: Config, host: Host): Promise<Client>
  health(client: Client, signal: AbortSignal, thorough?: 'thorough'): Promise<HealthCheck[]>
  /** Called every few seconds: renews what must be renewed, nothing else. Throws when the session cannot be kept. */
  keepAlive?(client: Client, signal: AbortSignal): Promise<void>
  session?(client: Client): SessionStatus
  close?(client: Client): Promise<void>
  /** fields of the configuration to assume while nothing is set up in the target yet, so that advice needs none that setting up gives */
  readonly beforeSetUp?: Readonly<Record<string, unknown>>
  minimumPolicy?(config: Config): PolicyAdvice
  readonly resourceTypes: readonly ResourceType[]
  /** Walks the given folders and everything below them; `['']` is everything. Names only, never values. */
  discover?(client: Client, folders: readonly string[], signal: AbortSignal): AsyncIterable<DiscoveryPage>
  /** Tags and details that the walk could not bring cheaply, for a batch of resources; the answer may leave out what is gone. */
  describe?(client: Client, resources: readonly DiscoveredResource[], signal: AbortSignal): Promise<Described[]>
  readonly grantAccess?: GrantAccessAction<Client, GrantInput>
  /** Names of the deliveries that a configuration allows; left out: all that `grantAccess` has. */
  allowedDeliveries?(config: Config): readonly string[]
  /** Everything in the target that bears this integration's prefix. */
  marked?(client: Client, signal: AbortSignal): AsyncIterable<Marked>
  /** Leaves something that no earlier state of the target has, and answers by what to find it, which is no secret. Good for an hour. */
  leaveSign?(client: Client, signal: AbortSignal): Promise<string>
  /** Whether such a sign is there; when it is not, an earlier state was put back. */
  findsSign?(client: Client, sign: string, signal: AbortSignal): Promise<boolean>
  /** Which of these runs, all proved gone, have something there once more. Asked of few or of thousands, in a handful of calls. */
  standsAgain?(
    client: Client,
    ended: { readonly instance: string; readonly runIds: readonly string[] },
    signal: AbortSignal,
  ): Promise<readonly string[]>
  /** how certificates reach targets of this kind */
  // biome-ignore lint/suspicious/noExplicitAny: it is held by code that knows neither its logins nor its locations
  readonly distribution?: Distributes<any, any>
  /** where certificates come from at targets of this kind */
  // biome-ignore lint/suspicious/noExplicitAny: it is held by code that knows neither its places nor its wishes
  readonly certificateSources?: CertificateSources<Client, any, any>
  readonly actions: readonly AnyAction<Client>[]
  /** Names of the actions that a configuration allows, granting access not among them; left out: all. */
  allowedActions?(config: Config): readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: the catalog holds plugins without knowing their types
export type AnyPlugin = Plugin<any, any>
