import { rows, type Tx } from '../platform/database.ts'
import { endSessions } from './sessions.service.ts'

/** Takes from somebody who was disabled all they got in with. Who is enabled again does not get it back: they may have lost it meanwhile. */
export async function lockOut(tx: Tx, actor: string, userId: string): Promise<void> {
  await rows(tx, 'update api_tokens set revoked_at = now() where user_id = $1 and revoked_at is null', [userId])
  await endSessions(tx, actor, 'the person was disabled', { userId })
}
