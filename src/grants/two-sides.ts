import * as approvals from '../approvals/requests/sides.ts'
import type { Hands } from '../identity/callers/hands.ts'
import { row, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { requestIdOf } from './grant.ts'

// A grant has two sides: who asks for it, extends and opens it, and who approves and reviews it. No hand is on both.

/**
 * Of everybody who asked for the access, for more time, or opened it. A grant that is only asked for goes by the id it will have. One that
 * is there is locked, so that of an opening and an approval at one moment the later sees the earlier.
 */
export async function usersHands(tx: Tx, grantId: string): Promise<Hands> {
  await row(tx, 'select from grants where id = $1 for update', [grantId])
  const askers = await approvals.askersHands(tx, requestIdOf(grantId), grantId)
  const openings = await rows<{ hands: Hands }>(tx, 'select hands from openings where grant_id = $1', [grantId])
  return [...new Set([...askers, ...openings.flatMap(({ hands }) => hands)])]
}

/** Of everybody who approved the access or more time, or reviewed it. Its caller has locked the grant. */
export function judgesHands(tx: Tx, grantId: string): Promise<Hands> {
  return approvals.judgesHands(tx, requestIdOf(grantId), grantId)
}

export function approvedByThem(): BrokerError {
  return new BrokerError('access.same_person', 'You approved this access, or your token was made by a person who approved it.', {
    fix: 'a person who approves access may not use it. If you did not approve it, sign in as yourself, or use a token that you made',
  })
}
