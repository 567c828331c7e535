import { currentCall } from '../platform/http/call.ts'
import { newId } from '../platform/ids.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import type { AuditKind, DataOf, SubjectOf } from './kinds.ts'

/** What happened, as the kinds say it: the compiler refuses data of another event. */
export type AuditEvent<K extends AuditKind = AuditKind> = {
  [Kind in K]: {
    readonly kind: Kind
    /** `usr_…`, or `broker` when nobody asked */
    readonly actor: string
    /** the id of what it happened to */
    readonly subject: string
    readonly data: DataOf<Kind>
  }
}[K]

/** What is refused of an event: an id that the compiler knows to be something else's (of a text it knows nothing), and data of no kind. */
type Exactly<Events extends readonly AuditEvent[]> = { readonly [I in keyof Events]: Events[I] & Rightly<Events[I]> }
type Rightly<Event extends AuditEvent> = {
  readonly subject: string extends Event['subject'] ? string : SubjectOf<Event['kind']>
  readonly data: { readonly [Key in Exclude<KeysOf<Event['data']>, KeysOf<DataOf<Event['kind']>>>]: never }
}
type KeysOf<Data> = Data extends unknown ? keyof Data : never

export const BROKER = 'broker'

/** Writes down what happened, in the transaction in which it happens, and in which call that was. The link into the chain is made at its commit. */
export async function record<const Events extends readonly AuditEvent[]>(
  tx: Tx,
  ...events: Events & Exactly<Events>
): Promise<void> {
  if (events.length === 0) return
  const written = events.map((event) => ({
    id: newId('aud'),
    kind: event.kind,
    actor: event.actor,
    subject: event.subject,
    body: JSON.stringify(event.data),
    ...currentCall(),
  }))
  await rows(
    tx,
    `insert into audit_events (id, kind, actor, subject, body, done_with, makers, address)
     select id, kind, actor, subject, body, "doneWith", makers, address
     from jsonb_to_recordset($1::jsonb)
       as e (id text, kind text, actor text, subject text, body text, "doneWith" text, makers text[], address text)`,
    [JSON.stringify(written)],
  )
}
