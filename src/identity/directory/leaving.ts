import { row, type Tx } from '../../platform/postgres/database.ts'

/**
 * SQL: whether one of `hands` (an array of whatever an act was done by) was disabled since `at`, or is. What was done through them until then
 * is void, although they may be here again.
 */
export function leftSince(hands: string, at: string): string {
  return `exists (select from users left_h where left_h.id = any(${hands}) and (left_h.state = 'disabled' or left_h.left_at >= ${at}))`
}

/** Whether somebody of these hands has left since. */
export async function haveLeft(tx: Tx, hands: readonly string[], since: Date): Promise<boolean> {
  const found = await row<{ left: boolean }>(tx, `select ${leftSince('$1::text[]', '$2::timestamptz')} as left`, [hands, since])
  return found!.left
}
