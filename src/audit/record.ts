import { currentCall } from '../platform/http/call.ts'
import { newId } from '../platform/ids.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import type { Json } from '../sdk/index.ts'
import type { AuditKind } from './kinds.ts'

export interface AuditEvent {
  readonly kind: AuditKind
  /** `usr_…`, or `broker` when nobody asked */
  readonly actor: string
  /** the id of what it happened to */
  readonly subject: string
  /** what a reader of the trail needs; never a secret */
  readonly data?: Readonly<Record<string, Json | undefined>>
}

export const BROKER = 'broker'

/** Writes down what happened, in the transaction in which it happens, and in which call that was. The link into the chain is made at its commit. */
export async function record(tx: Tx, ...events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return
  const written = events.map((event) => ({
    id: newId('aud'),
    kind: event.kind,
    actor: event.actor,
    subject: event.subject,
    body: JSON.stringify(event.data ?? {}),
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
