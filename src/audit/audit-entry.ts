import type { AuditEntry } from '../contract/audit.ts'
import { parseJson } from '../sdk/index.ts'
import type { Link } from './chain-check.ts'
import { inRfc3339 } from './moment.ts'

/** An event and its link, as people see them. Without an event only the place is left. */
export function entryOf({ seq, hash, eventId, event }: Link): AuditEntry {
  const { micros = null, kind = '', actor = '', subject = '', body = 'null', doneWith = null, address = null } = event ?? {}
  const makers = event?.makers?.split(',') ?? null
  const at = inRfc3339(micros)
  return { seq, id: eventId as AuditEntry['id'], at, kind, actor, subject, doneWith, makers, address, data: dataOf(body), hash }
}

/** What was recorded with an event; as text when it is not an object exactly as the broker writes one. */
function dataOf(body: string): unknown {
  try {
    const data = parseJson(body)
    return typeof data === 'object' && JSON.stringify(data) === body ? data : body
  } catch {
    return body // somebody changed it: verifying says so, and reading the rest goes on
  }
}

/** The way back from an entry's data to the exact text that was recorded. */
export function bodyOf(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data)
}
