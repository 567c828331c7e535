import type { z } from 'zod'
import type { Journaled, Json, Step } from './action.ts'
import type { Secret } from './secret.ts'

/** A certificate as it was found or issued, in PEM. */
export interface FoundCertificate {
  /** its issuers may follow it */
  readonly certificatePem: string
  readonly chainPem?: string
  readonly privateKeyPem?: Secret
}

/** How a plugin gets certificates out of its targets: one that stands there, or one that the target issues. */
export interface CertificateSources<Client, Place, Wish> {
  /** where a certificate stands, as people name it */
  readonly place: z.ZodType<Place>
  /** Reads it; throws what is missing there, with `field` within the place. */
  read(client: Client, place: Place, signal: AbortSignal): Promise<FoundCertificate>
  /** a place in a few words, for people */
  placeInWords(place: Place): string
  /** what is asked of an issuer, besides the signing request */
  readonly wish: z.ZodType<Wish>
  wishInWords(wish: Wish): string
  /** names that the signing request has */
  namesOf(wish: Wish): { readonly commonName: string; readonly domains: readonly string[] }
  /** name of the action that has a certificate issued for a signing request */
  readonly action: string
  inputOf(wish: Wish, signingRequestPem: string): { readonly [key: string]: Json }
  /** What such a run had issued, read from its steps; undefined when it did not. */
  issuedIn(steps: readonly Journaled<Step>[]): FoundCertificate | undefined
}
