import { enqueue } from '../../platform/due/due-work.ts'
import type { Tx } from '../../platform/postgres/database.ts'

/** Somebody is not where they were: for those above who count on people being there. Many changes are one look. */
export const DIRECTORY_CHANGED = 'directory.changed'

/** Somebody may have a system role no more: what they proposed is looked at before they can have it again. */
export const ROLES_CHANGED = 'directory.roles'

export function rolesChanged(tx: Tx): Promise<void> {
  return enqueue(tx, [{ lane: 'background', kind: ROLES_CHANGED, subject: 'people' }])
}

/** Of groups that roles hang on as well. */
export async function directoryChanged(tx: Tx): Promise<void> {
  await enqueue(tx, [{ lane: 'background', kind: DIRECTORY_CHANGED, subject: 'people' }])
  await rolesChanged(tx)
}
