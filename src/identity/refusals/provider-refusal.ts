import { BROKER, record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { noteScimTokensInHand } from '../directory/scim-tokens-in-hand.ts'

/**
 * The provider says no to somebody, or that they are signed out everywhere: their tokens, and access tokens from before, count again only
 * after its next yes.
 */
export async function refuseIdentity(tx: Tx, issuer: string, subject: string, reason: string): Promise<void> {
  const refused = await rows<{ userId: string; isNews: boolean }>(
    tx,
    `update identities i set refused_at = now() from identities o
     where i.issuer = $1 and i.subject = $2 and o.issuer = i.issuer and o.subject = i.subject
     returning i.user_id as "userId", o.refused_at is null or o.refused_at < o.confirmed_at as "isNews"`,
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
  for (const { userId, isNews } of refused) {
    if (isNews) await noteScimTokensInHand(tx, BROKER, userId, 'the identity provider refuses a person who has seen the token')
  }
}
