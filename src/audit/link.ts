import { createHash, hash } from 'node:crypto'

/** What of an event goes into its link, as the database holds it: exact text, no number or date in between. */
export interface LinkedEvent {
  readonly id: string
  /** microseconds since 1970; null for a moment that is none (infinity), which nobody recorded */
  readonly micros: string | null
  readonly kind: string
  readonly actor: string
  readonly subject: string
  readonly body: string
}

/** An end of the chain: how many links it has, and the hash (hex) of the last. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

/** Before the first link. */
export const ROOT: Head = { seq: 0, hash: hash('sha256', 'latchkey') }

/** The hash (hex) of a link: the same bytes that `audit_link()` in the database hashes. */
export function linkHash(previousHash: string, seq: number, event: LinkedEvent): string {
  const { id, micros, kind, actor, subject, body } = event
  const linked = `${seq}\u001f${id}\u001f${micros}\u001f${kind}\u001f${actor}\u001f${subject}\u001f${body}`
  return createHash('sha256').update(previousHash, 'hex').update(linked).digest('hex')
}
