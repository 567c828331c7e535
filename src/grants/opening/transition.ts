import { rows, type Tx } from '../../platform/postgres/database.ts'
import type { Credential } from '../../sdk/index.ts'
import { type OpeningEvent, openingMachine } from './opening-machine.ts'

type Which = { readonly id: string } | { readonly grantIds: readonly string[] }

/** The only update of an opening's state: whether the event means anything is for the machine to say. Answers whether it moved one. */
export async function moveOpenings(tx: Tx, event: OpeningEvent, which: Which, delivered?: Credential): Promise<boolean> {
  const { from, to } = openingMachine.arrow(event)
  const [condition, value] = 'id' in which ? ['id = $1', which.id] : ['grant_id = any($1)', which.grantIds]
  const moved = await rows(
    tx,
    `update openings set state = $2, collected_at = case when $2 = 'collected' then clock_timestamp() else collected_at end,
       trace = coalesce($4::jsonb, trace), ends_at = coalesce($5, ends_at), collect_by = coalesce($6, collect_by)
     where ${condition} and state = any($3) returning id`,
    [
      value,
      to,
      from,
      delivered ? JSON.stringify(delivered.trace) : null,
      delivered?.endsAt ?? null,
      delivered?.collectBy ?? null,
    ],
  )
  return moved.length > 0
}
