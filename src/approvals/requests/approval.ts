import { PERSON } from '../../identity/directory/directory.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import type { Decision } from '../stages/stages.ts'

/** Everything decided on a request so far, in the order in which it was noted. */
export function readDecisions(tx: Pick<Tx, 'query'>, requestId: string): Promise<Decision[]> {
  return rows(
    tx,
    `select approver_id as "approverId", hands, decision, stage, seconds from approvals where request_id = $1 order by created_at, id`,
    [requestId],
  )
}

/** What an approver decided, as people are shown it. */
interface Approval {
  readonly requestId: string
  readonly id: string
  readonly name: string
  readonly userName: string | null
  readonly email: string | null
  readonly stage: number
  readonly decision: 'approve' | 'reject'
  readonly reason: string
  readonly seconds: number | null
  readonly at: Date
}

export function readApprovals(tx: Pick<Tx, 'query'>, requestIds: readonly string[]): Promise<Approval[]> {
  return rows(
    tx,
    `select a.request_id as "requestId", ${PERSON}, a.stage, a.decision, a.reason, a.seconds, a.created_at as at
     from approvals a join users u on u.id = a.approver_id where a.request_id = any($1) order by a.created_at, a.id`,
    [requestIds],
  )
}
