import { rows, type Tx } from '../platform/postgres/database.ts'
import { parseJson } from '../sdk/index.ts'

/** A transition as the audit trail has it; its id is what every notification of it goes back to. */
export interface ChainEvent {
  readonly id: string
  readonly at: Date
  readonly kind: string
  readonly actor: string
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
}

type ChainRow = Omit<ChainEvent, 'data'> & { readonly body: string; readonly seq: string }

/** The next links of the chain. They are numbered in the order of their commits, so nothing can appear behind the cursor later. */
export async function readChain(tx: Tx, after: string, limit: number): Promise<(ChainEvent & { seq: string })[]> {
  const found = await rows<ChainRow>(
    tx,
    `select c.seq, e.id, e.at, e.kind, e.actor, e.subject, e.body from audit_chain c join audit_events e on e.id = c.event_id
     where c.seq > $1 order by c.seq limit $2`,
    [after, limit],
  )
  return found.map(({ body, ...event }) => ({ ...event, data: parseJson(body) as ChainEvent['data'] }))
}

export async function readEvent(tx: Tx, id: string): Promise<ChainEvent | undefined> {
  const [found] = await rows<ChainRow>(tx, 'select id, at, kind, actor, subject, body from audit_events where id = $1', [id])
  if (!found) return undefined
  const { body, ...event } = found
  return { ...event, data: parseJson(body) as ChainEvent['data'] }
}

/** The ids of people somewhere in an event's data; whatever is not a list of texts names nobody. */
export function idsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
