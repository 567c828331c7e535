import type { z } from 'zod'
import type { Json } from './action.ts'

/** What of a certificate may decide where it goes. Names in it are whatever somebody wrote into a certificate: trust none of them. */
export interface CertificateFacts {
  /** common name of the subject; some certificates have none */
  readonly cn?: string | undefined
  /** DNS names, in their order */
  readonly domains: readonly string[]
  /** SHA-256, 64 lower-case hexadecimal digits */
  readonly fingerprint: string
  readonly serial: string
  /** what was given along with the certificate */
  readonly variables: Readonly<Record<string, string>>
}

/** A certificate on its way, without its private key: that is put in as `privateKeyPem` where it goes along. */
export interface CertificateToGo extends CertificateFacts {
  readonly certificatePem: string
  /** issuers in their order; absent where there are none */
  readonly chainPem?: string
}

/** How a plugin takes certificates to its targets. The core keeps logins and locations apart: one login serves several locations. */
export interface Distributes<Credential, Location> {
  /** name of the action that writes one certificate to one location; its input has `certificate`, with the key in `certificate.privateKeyPem` */
  readonly action: string
  /** a login; mark secrets with `secret()` */
  readonly credential: z.ZodType<Credential>
  /** fields of it that decide where its secrets are sent */
  readonly credentialGoesTo: readonly string[]
  /** a place that a login may be sent to */
  readonly destination: z.ZodType
  readonly location: z.ZodType<Location>
  /** the destination that a location is at */
  destinationOf(location: Location): { readonly [field: string]: Json }
  /** the configuration of the connection, as it is typed in: the login with its secrets in clear */
  configOf(credential: unknown, location: Location): unknown
  /** what the action is told, without a secret. Throws what makes the certificate unfit for the location. */
  inputOf(location: Location, certificate: CertificateToGo): { readonly [key: string]: unknown }
  /** whether the private key goes along */
  wantsKey(location: Location): boolean
  /** where in the target a certificate goes, as people write it and as the action’s `writes` names it. Throws as `inputOf` does. */
  pathOf(location: Location, certificate: CertificateFacts): string
}
