import type { Hands } from '../identity/callers/hands.ts'
import { row, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'

// A grant has two sides: who asks for it, extends and opens it, and who approves and reviews it. No hand is on both.

/**
 * Of everybody who asked for the access, for more time, or opened it. A grant that is only asked for goes by the id it will have. One that
 * is there is locked, so that of an opening and an approval at one moment the later sees the earlier.
 */
export async function usersHands(tx: Pick<Tx, 'query'>, grantId: string): Promise<Hands> {
  await row(tx, 'select from grants where id = $1 for update', [grantId])
  return handsIn(
    tx,
    `select hands from access_requests
     where id = 'req_' || substr($1, 5) or (extends_grant_id = $1 and state in ('pending', 'approved'))
     union all select hands from openings where grant_id = $1`,
    grantId,
  )
}

/** Of everybody who approved the access or more time, or reviewed it. Its caller has locked the grant. */
export function judgesHands(tx: Pick<Tx, 'query'>, grantId: string): Promise<Hands> {
  return handsIn(
    tx,
    `select a.hands from approvals a join access_requests q on q.id = a.request_id
     where (q.id = 'req_' || substr($1, 5) or q.extends_grant_id = $1) and a.decision = 'approve'
     union all select closed_hands from emergency_reviews where request_id = 'req_' || substr($1, 5)`,
    grantId,
  )
}

export function approvedByThem(): BrokerError {
  return new BrokerError('access.same_person', 'You approved this access, or your token was made by somebody who did.', {
    fix: 'sign in as yourself, or use a token that you made; who approved access does not use it',
  })
}

async function handsIn(tx: Pick<Tx, 'query'>, statement: string, grantId: string): Promise<Hands> {
  const found = await row<{ hands: string[] }>(
    tx,
    `select coalesce(array_agg(distinct hand), '{}') as hands from (${statement}) as acts (hands), unnest(acts.hands) as hand`,
    [grantId],
  )
  return found!.hands
}
