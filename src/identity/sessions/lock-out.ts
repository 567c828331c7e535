import { record } from '../../audit/record.ts'
import { enqueue } from '../../platform/due/due-work.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import { noteScimTokensInHand } from '../directory/scim-tokens-in-hand.ts'
import { revokeTokens } from '../tokens/revoke-tokens.ts'
import { endSessions } from './sessions.service.ts'

/** What the end of somebody leaves to be done by those who gave them something. The subject is the person, the time that of their end. */
export const LEAVER_WORK = { grants: 'leaver.grants', requests: 'leaver.requests' } as const

/**
 * Takes from somebody who was disabled all they got in with, and what of others they may have in hand. Who is enabled again does not get it
 * back: they may have lost it meanwhile. Answers which others have lost tokens.
 */
export async function lockOut(tx: Tx, actor: string, userId: string): Promise<readonly string[]> {
  const bereft = await revokeTokens(tx, actor, { inHandsOf: userId }, 'the person was disabled')
  const withdrawn = await rows<{ id: string; userId: string }>(
    tx,
    `update enrolment_codes set withdrawn_at = now()
     where (user_id = $1 or created_by = $1 or $1 = any(makers)) and redeemed_at is null and withdrawn_at is null
     returning id, user_id as "userId"`,
    [userId],
  )
  const reason = 'its person, or a person who made it, was disabled'
  await record(
    tx,
    ...withdrawn.map(({ id, userId: of }) => ({
      kind: 'enrolment.withdrawn' as const,
      actor,
      subject: id,
      data: { userId: of, reason },
    })),
  )
  await noteScimTokensInHand(tx, actor, userId, 'a person who has seen the token was disabled')
  await endSessions(tx, actor, 'the person was disabled', { userId })
  await enqueue(tx, [
    { lane: 'cut', kind: LEAVER_WORK.grants, subject: userId },
    { lane: 'background', kind: LEAVER_WORK.requests, subject: userId },
  ])
  await directoryChanged(tx)
  return [...bereft].filter((id) => id !== userId)
}
