import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Caller } from './caller.ts'
import type { Hands } from './hands.ts'

/** In whose hands the caller's credential is. */
export async function handsOf(tx: Tx, { id, tokenMakers }: Pick<Caller, 'id' | 'tokenMakers'>): Promise<Hands> {
  const found = await row<{ hands: string[] }>(tx, 'select hands_of($1) as hands', [[id, ...tokenMakers]])
  return found!.hands
}

/** The ids of everybody in these hands, those included who have one of their marks. */
export async function peopleIn(tx: Tx, hands: Hands): Promise<ReadonlySet<string>> {
  const [people] = await peopleInEach(tx, [hands])
  return people!
}

/** The same of many at once. */
export async function peopleInEach(tx: Tx, all: readonly Hands[]): Promise<ReadonlySet<string>[]> {
  const found = await rows<{ hand: string; id: string }>(
    tx,
    `select mark as hand, user_id as id from person_marks where mark = any($1) union select id, id from users where id = any($1)`,
    [[...new Set(all.flat())]],
  )
  const people = Map.groupBy(found, ({ hand }) => hand)
  return all.map((hands) => new Set(hands.flatMap((hand) => people.get(hand) ?? []).map(({ id }) => id)))
}

/** Nobody lets themselves in again, or gives themselves a role: not in person, and not with a token they may have in hand. */
export async function mustBeAnother(tx: Tx, caller: Pick<Caller, 'id' | 'tokenMakers'>, ids: readonly string[]): Promise<void> {
  const people = await peopleIn(tx, await handsOf(tx, caller))
  if (!ids.some((id) => people.has(id))) return
  throw new BrokerError('auth.forbidden', 'you may not decide this: it concerns you, or the person who made your token', {
    fix: 'ask another admin, whose token that person did not make. If there is none, make one on the broker’s machine: latchkey bootstrap --name … --force-new-token',
  })
}
