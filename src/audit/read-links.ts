import { rows, type Tx } from '../platform/postgres/database.ts'
import type { Link } from './chain-check.ts'
import { microsOf } from './moment.ts'

interface Row {
  readonly seq: string
  readonly hash: string
  readonly eventId: string
  readonly at: string
  readonly kind: string | null
  readonly actor: string
  readonly subject: string
  readonly body: string
  readonly doneWith: string | null
  readonly makers: string | null
  readonly address: string | null
}

export interface Stretch {
  /** the first and the last place to read; everything when left out */
  readonly first?: number
  readonly last?: number
  readonly batch?: number
}

/** Of the links `c` and their events `e`; read by `linkOf`. */
export const LINK_COLUMNS = `c.seq::text, encode(c.hash, 'hex') as hash, c.event_id as "eventId",
  encode(timestamptz_send(e.at), 'hex') as at, e.kind, e.actor, e.subject, e.body,
  e.done_with as "doneWith", array_to_string(e.makers, ',') as makers, e.address`

/** The chain in its order, a batch at a time; while one is worked on, the next is on its way. */
export async function* readLinks(tx: Tx, stretch: Stretch = {}): AsyncGenerator<Link[]> {
  const { first, last, batch = 2_000 } = stretch
  const fetch = (after: string | undefined) =>
    rows<Row>(
      tx,
      `select ${LINK_COLUMNS} from audit_chain c left join audit_events e on e.id = c.event_id
       where ($1::bigint is null or c.seq > $1) and ($2::bigint is null or c.seq <= $2) order by c.seq limit $3`,
      [after ?? null, last ?? null, batch],
    )
  let coming = fetch(first === undefined ? undefined : String(first - 1))
  for (;;) {
    const found = await coming
    if (found.length === 0) return
    coming = fetch(found.at(-1)?.seq)
    coming.catch(() => {}) // awaited in the next round, if there is one
    yield found.map(linkOf)
  }
}

export function linkOf({ seq, hash, eventId, at, kind, ...rest }: Row): Link {
  const event = kind === null ? null : { id: eventId, micros: microsOf(at), kind, ...rest }
  return { seq: Number(seq), hash, eventId, event }
}
