import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { unknownCaller } from '../callers/caller.ts'

/** Keeps people from being disabled until the transaction ends: a call that disables them afterwards sees what was made. Before any token. */
export async function holdPeople(tx: Tx, ids: readonly string[]): Promise<void> {
  await rows(tx, 'select from users where id = any($1) order by id for share', [ids])
}

/** The same for the maker of something: a person who was disabled while the call waited makes nothing. */
export async function mustBeHere(tx: Tx, id: string): Promise<void> {
  const found = await row<{ state: string }>(tx, 'select state from users where id = $1 for share', [id])
  if (found?.state !== 'active') throw unknownCaller()
}

/** Keeps what the caller came with from being revoked until the transaction ends. */
export async function holdToken(tx: Tx, tokenId: string | null): Promise<Date | null> {
  if (tokenId === null) return null
  const held = await row<{ expiresAt: Date }>(
    tx,
    'select expires_at as "expiresAt" from api_tokens where id = $1 and revoked_at is null and expires_at > now() for share',
    [tokenId],
  )
  if (!held) throw unknownCaller()
  return held.expiresAt
}
