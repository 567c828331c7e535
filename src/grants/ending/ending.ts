import { transition } from '../../actions/transition.ts'
import { BROKER } from '../../audit/record.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { enqueue, withdraw } from '../../platform/due/due-work.ts'
import type { problemOf } from '../../platform/http/problem-of.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { type EndReason, GRANT_WORK } from '../grant.ts'
import { moveOpenings } from '../opening/transition.ts'
import { move } from '../transition.ts'

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
  const { reason, by = BROKER, note, failure } = ending
  const given = {
    endReason: reason,
    endedBy: by,
    endNote: note,
    endedHands: ending.hands,
    endedWith: ending.cameWith,
    failure,
  }
  const data = () => ({ reason, note, code: failure?.code, fix: failure?.fix })
  const begun = await move(
    tx,
    'end',
    ids.map((id) => ({ id, given, data })),
    by,
  )
  const begunIds = begun.map((grant) => grant.id)
  await moveOpenings(tx, 'end', { grantIds: begunIds })
  await transition(
    tx,
    begun.map((grant) => grant.runId),
    'undo',
  )
  await withdraw(tx, [GRANT_WORK.provision, GRANT_WORK.extend], begunIds)
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
