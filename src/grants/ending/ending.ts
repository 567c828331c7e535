import { transition } from '../../actions/transition.ts'
import { BROKER, record } from '../../audit/record.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { enqueue, withdraw } from '../../platform/due/due-work.ts'
import type { problemOf } from '../../platform/http/problem-of.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { type EndReason, GRANT_WORK } from '../grant.ts'

export interface Ending {
  readonly reason: EndReason
  /** `usr_…`; the broker itself when nobody asked */
  readonly by?: string
  readonly note?: string
  /** of who asked for it */
  readonly hands?: Hands
  readonly cameWith?: string
  /** why it could not be set up */
  readonly failure?: ReturnType<typeof problemOf>
}

/**
 * Begins the end of grants that have not begun to end: from here on nobody gets in and nothing provisions. Answers the ids it began.
 * Power is taken away by the due work it leaves behind, which another process may do.
 */
export async function beginEnding(tx: Tx, ids: readonly string[], ending: Ending): Promise<string[]> {
  // A statement that waits for a lock goes on with what it saw before: an opening written down meanwhile would stay open.
  await rows(tx, 'select 1 from grants where id = any($1) order by id for update', [ids])
  const begun = await rows<{ id: string; runId: string }>(
    tx,
    `with ending as (
       update grants set state = 'revoking', end_reason = $2, ended_by = $3, end_note = $4, ended_hands = $5, ended_with = $6, failure = $7,
         revoking_at = clock_timestamp()
       where id = any($1) and state in ('scheduled', 'provisioning', 'active') returning id, integration_id, run_id),
     closed as (
       update openings set state = 'ended' where grant_id in (select id from ending) and state in ('opening', 'delivered', 'collected'))
     select id, run_id as "runId" from ending`,
    [
      ids,
      ending.reason,
      ending.by ?? BROKER,
      ending.note ?? null,
      ending.hands ?? null,
      ending.cameWith ?? null,
      ending.failure ? JSON.stringify(ending.failure) : null,
    ],
  )
  await transition(
    tx,
    begun.map((grant) => grant.runId),
    'undo',
  )
  const begunIds = begun.map((grant) => grant.id)
  await withdraw(tx, GRANT_WORK.provision, begunIds)
  await withdraw(tx, GRANT_WORK.extend, begunIds)
  await record(
    tx,
    ...begunIds.map((id) => ({
      kind: 'grant.revoking' as const,
      actor: ending.by ?? BROKER,
      subject: id,
      data: { reason: ending.reason, note: ending.note, code: ending.failure?.code, fix: ending.failure?.fix },
    })),
  )
  return begunIds
}

/** The same, and leaves the work of taking the access away to be done at once. */
export async function endNow(tx: Tx, ids: readonly string[], ending: Ending): Promise<string[]> {
  const begun = await beginEnding(tx, ids, ending)
  const shards = await rows<{ id: string; shard: string }>(
    tx,
    'select id, integration_id as shard from grants where id = any($1)',
    [begun],
  )
  await enqueue(
    tx,
    shards.map(({ id, shard }) => ({ lane: 'cut', kind: GRANT_WORK.end, subject: id, shard })),
  )
  return begun
}
