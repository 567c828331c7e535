import { rows, type Tx } from '../platform/database.ts'
import { endSessions } from './sessions.service.ts'

/** Takes from somebody who was disabled all they got in with. Who is enabled again does not get it back: they may have lost it meanwhile. */
export async function lockOut(tx: Tx, actor: string, userId: string): Promise<void> {
  await rows(tx, 'update api_tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId])
  await endSessions(tx, actor, 'the person was disabled', { userId })
}

/** Ids of the active admins. They stay as they are until the transaction ends, so two cannot remove each other. */
export async function lockAdmins(tx: Tx): Promise<string[]> {
  const found = await rows<{ id: string }>(
    tx,
    `select id from users where state = 'active' and 'admin' = any(roles) order by id for update`,
  )
  return found.map(({ id }) => id)
}
