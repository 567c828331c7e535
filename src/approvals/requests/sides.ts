import type { Hands } from '../../identity/callers/hands.ts'
import { row, type Tx } from '../../platform/postgres/database.ts'

// A request has two sides: who asks, and who approves and reviews. No hand is on both. A request for more time has those of the access besides.

/** Of everybody who asked for the access, or for more time on it. */
export function askersHands(tx: Tx, requestId: string, grantId: string): Promise<Hands> {
  return handsIn(
    tx,
    `select hands from access_requests where id = $1 or (extends_grant_id = $2 and state in ('pending', 'approved'))`,
    requestId,
    grantId,
  )
}

/** Of everybody who approved the access or more time on it, or reviewed it. */
export function judgesHands(tx: Tx, requestId: string, grantId: string): Promise<Hands> {
  return handsIn(
    tx,
    `select a.hands from approvals a join access_requests q on q.id = a.request_id
     where (q.id = $1 or q.extends_grant_id = $2) and a.decision = 'approve'
     union all select closed_hands from emergency_reviews where request_id = $1`,
    requestId,
    grantId,
  )
}

/** Whether this person approved the access, or more time on it. */
export async function hasApproved(tx: Tx, personId: string, requestId: string, grantId: string): Promise<boolean> {
  const approval = await row(
    tx,
    `select 1 from approvals a join access_requests q on q.id = a.request_id
     where a.approver_id = $1 and a.decision = 'approve' and (q.id = $2 or q.extends_grant_id = $3)`,
    [personId, requestId, grantId],
  )
  return approval !== undefined
}

/** SQL: the acts by which the grant `g`, of a request, was asked for and got more time: of each its `hands`, and when it was. */
export const ASKING_ACTS = `select q.hands, q.created_at as at from access_requests q where q.id = g.request_id
  union all select q.hands, q.created_at from access_requests q where q.extends_grant_id = g.id and q.state = 'approved'`

async function handsIn(tx: Tx, statement: string, requestId: string, grantId: string): Promise<Hands> {
  const found = await row<{ hands: string[] }>(
    tx,
    `select coalesce(array_agg(distinct hand), '{}') as hands from (${statement}) as acts (hands), unnest(acts.hands) as hand`,
    [requestId, grantId],
  )
  return found!.hands
}
