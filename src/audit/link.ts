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
  /** the id of the token or session; null, as the two below, where no call caused it */
  readonly doneWith: string | null
  /** who made that token, and the tokens before it: ids with commas between */
  readonly makers: string | null
  readonly address: string | null
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
  const { id, micros, kind, actor, subject, body, doneWith, makers, address } = event
  const fields = [seq, id, String(micros), kind, actor, subject, body]
  // A form of its own, which no event without a call has: nothing can move from one form into the other.
  const isOfCall = doneWith !== null || makers !== null || address !== null
  const linked = (isOfCall ? ['v2', ...fields, doneWith ?? '', makers ?? '', address ?? ''] : fields).join('\u001f')
  return createHash('sha256').update(previousHash, 'hex').update(linked).digest('hex')
}
