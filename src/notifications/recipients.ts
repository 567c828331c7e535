import { PARTS, type Part } from '../audit/kinds/kind.ts'
import { isAuditKind, KINDS } from '../audit/kinds.ts'

/** The parts an event has something to say to. What is no transition of access (a token, a group) is told to webhooks alone. */
export function partsOf(kind: string): readonly Part[] {
  return isAuditKind(kind) ? KINDS[kind].tells : []
}

/** Each person once, with the weightiest of their parts. */
export function eachOnce(people: Readonly<Partial<Record<Part, readonly string[]>>>): Map<string, Part> {
  const told = new Map<string, Part>()
  for (const part of PARTS) for (const id of people[part] ?? []) if (!told.has(id)) told.set(id, part)
  return told
}

/** Whether somebody who wants to hear of these hears of an event: `grant.revoked`, `grant.*`, `*`. */
export function wants(events: readonly string[], kind: string): boolean {
  return events.some((event) => event === '*' || event === kind || (event.endsWith('.*') && kind.startsWith(event.slice(0, -1))))
}
