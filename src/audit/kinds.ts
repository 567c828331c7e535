import type { z } from 'zod'
import { ACCESS_KINDS } from './kinds/access.ts'
import { ACTION_KINDS } from './kinds/actions.ts'
import { IDENTITY_KINDS } from './kinds/identity.ts'
import type { Kind } from './kinds/kind.ts'
import { SYSTEM_KINDS } from './kinds/systems.ts'

/** Everything the audit trail can say: nothing else can be recorded, subscribed to or told. docs/events.md has the same list. */
export const KINDS = {
  ...ACCESS_KINDS,
  ...ACTION_KINDS,
  ...SYSTEM_KINDS,
  ...IDENTITY_KINDS,
} as const satisfies Readonly<Record<string, Kind>>

export type AuditKind = keyof typeof KINDS
export type DataOf<K extends AuditKind> = z.input<(typeof KINDS)[K]['data']>
export type SubjectOf<K extends AuditKind> = NonNullable<(typeof KINDS)[K]['subjectId']>

export function isAuditKind(kind: string): kind is AuditKind {
  return Object.hasOwn(KINDS, kind)
}
