import { problemOf } from '../../platform/http/problem-of.ts'
import { type Database, rows } from '../../platform/postgres/database.ts'
import type { Grant } from '../grant.ts'
import { move } from '../transition.ts'

/**
 * Writes down why grants on their way out are not over, by their ids. One that has been on its way for so long is called stuck from then on,
 * and a person is told. It goes on all the same.
 */
export async function noteFailures(
  database: Database,
  failed: ReadonlyMap<string, unknown>,
  stuckAfterSeconds: number,
): Promise<void> {
  if (failed.size === 0) return
  await database.transaction(async (tx) => {
    const problems = [...failed].map(([id, error]) => ({ id, error: problemOf(error) }))
    await rows(
      tx,
      `update grants g set error = f.error from jsonb_to_recordset($1::jsonb) as f (id text, error jsonb)
       where g.id = f.id and g.state in ('revoking', 'stuck') and g.error is distinct from f.error`,
      [JSON.stringify(problems)],
    )
    const overdue = await rows<{ id: string }>(
      tx,
      `select id from grants where id = any($1) and state = 'revoking'
         and revoking_at < clock_timestamp() - make_interval(secs => $2) for update`,
      [[...failed.keys()], stuckAfterSeconds],
    )
    await move(
      tx,
      'overdue',
      overdue.map(({ id }) => ({ id, data: () => ({ ...problemOf(failed.get(id)) }) })),
    )
  })
}

/** Of a grant that could not be set up: what stood in the way, for who asked for it. */
export function whyFailed({ failure }: Pick<Grant, 'failure'>): Partial<ReturnType<typeof problemOf>> {
  return (failure as Partial<ReturnType<typeof problemOf>> | null) ?? {}
}
