import { BROKER, record } from '../../audit/record.ts'
import { PERSON } from '../../identity/directory/directory.ts'
import { leftSince } from '../../identity/directory/leaving.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import type { Decision } from '../stages/stages.ts'

/** SQL: whether `a`, an approval, still counts: nobody who may have given it has left since, or may not decide any more. */
const COUNTS = `a.void_at is null and not ${leftSince('a.hands', 'a.created_at')}`

/** Everything decided on a request so far that counts, in the order in which it was noted. */
export async function readDecisions(tx: Tx, requestId: string): Promise<readonly Decision[]> {
  return (await decisionsOn(tx, [requestId])).get(requestId) ?? []
}

/** The same of many at once; of one that nobody decided on there is nothing. */
export async function decisionsOn(tx: Tx, requestIds: readonly string[]): Promise<ReadonlyMap<string, readonly Decision[]>> {
  const found = await rows<Decision & { requestId: string }>(
    tx,
    `select request_id as "requestId", approver_id as "approverId", hands, decision, stage, seconds
     from approvals a where request_id = any($1) and ${COUNTS} order by created_at, id`,
    [requestIds],
  )
  return Map.groupBy(found, ({ requestId }) => requestId)
}

/**
 * What does not count is void from now on, whatever becomes of who gave it: through hands that have left, and these. The request is locked.
 */
export async function voidDecisions(
  tx: Tx,
  requestId: string,
  lost: readonly Pick<Decision, 'approverId' | 'stage'>[] = [],
): Promise<void> {
  const gone = await rows<{ id: string; approverId: string; stage: number }>(
    tx,
    `update approvals a set void_at = clock_timestamp()
     where a.request_id = $1 and a.void_at is null and (not (${COUNTS}) or exists (
       select from jsonb_to_recordset($2::jsonb) as l ("approverId" text, stage int)
       where l."approverId" = a.approver_id and l.stage = a.stage))
     returning a.id, a.approver_id as "approverId", a.stage`,
    [requestId, JSON.stringify(lost)],
  )
  await record(
    tx,
    ...gone.map(({ id: approval, approverId: approver, stage }) => ({
      kind: 'approval.void' as const,
      actor: BROKER,
      subject: requestId,
      data: { approval, approver, stage },
    })),
  )
}

/** What an approver decided, as people are shown it. */
export interface Approval {
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

export function readApprovals(tx: Tx, requestIds: readonly string[]): Promise<Approval[]> {
  return rows(
    tx,
    `select a.request_id as "requestId", ${PERSON}, a.stage, a.decision, a.reason, a.seconds, a.created_at as at
     from approvals a join users u on u.id = a.approver_id where a.request_id = any($1) order by a.created_at, a.id`,
    [requestIds],
  )
}
