import { enqueue } from '../../platform/due/due-work.ts'
import type { Tx } from '../../platform/postgres/database.ts'

/** Somebody is not where they were: for those above who count on people being there. Many changes are one look. */
export const DIRECTORY_CHANGED = 'directory.changed'

export function directoryChanged(tx: Pick<Tx, 'query'>): Promise<void> {
  return enqueue(tx, [{ lane: 'background', kind: DIRECTORY_CHANGED, subject: 'people' }])
}
