import { rows, type Tx } from '../platform/postgres/database.ts'
import { enqueue } from '../platform/work/due-work.ts'
import { directoryChanged } from './directory/directory-changed.ts'
import { endSessions } from './sessions/sessions.service.ts'
import { revokeTokens } from './tokens/revoke-tokens.ts'

/** What the end of somebody leaves to be done by those who gave them something. The subject is the person, the time that of their end. */
export const LEAVER_WORK = { grants: 'leaver.grants', requests: 'leaver.requests' } as const

/** Takes from somebody who was disabled all they got in with. Who is enabled again does not get it back: they may have lost it meanwhile. */
export async function lockOut(tx: Tx, actor: string, userId: string): Promise<void> {
  await revokeTokens(tx, actor, { ofOrBy: userId }, 'the person was disabled')
  await rows(
    tx,
    `update enrolment_codes set withdrawn_at = now()
     where (user_id = $1 or created_by = $1) and redeemed_at is null and withdrawn_at is null`,
    [userId],
  )
  await endSessions(tx, actor, 'the person was disabled', { userId })
  await enqueue(tx, [
    { lane: 'cut', kind: LEAVER_WORK.grants, subject: userId },
    { lane: 'background', kind: LEAVER_WORK.requests, subject: userId },
  ])
  await directoryChanged(tx)
}
