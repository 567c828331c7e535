import { BROKER, record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'

/**
 * The provider says no to somebody, or that they are signed out everywhere: their tokens, and access tokens from before, count again only
 * after its next yes.
 */
export async function refuseIdentity(tx: Pick<Tx, 'query'>, issuer: string, subject: string, reason: string): Promise<void> {
  const refused = await rows<{ userId: string }>(
    tx,
    'update identities set refused_at = now() where issuer = $1 and subject = $2 returning user_id as "userId"',
    [issuer, subject],
  )
  await record(
    tx,
    ...refused.map(({ userId }) => ({
      kind: 'identity.refused' as const,
      actor: BROKER,
      subject: userId,
      data: { issuer, subject, reason },
    })),
  )
}
