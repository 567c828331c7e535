import { record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'

export type Revoked = { readonly tokenId: string } | { readonly ofOrBy: string }

/**
 * Ends tokens at once, and whatever was made with them: one token, or those of a person with those they made for others. `reason` is for
 * the trail.
 */
export async function revokeTokens(tx: Pick<Tx, 'query'>, actor: string, which: Revoked, reason?: string): Promise<void> {
  const [roots, value] =
    'tokenId' in which ? ['id = $1', which.tokenId] : ['user_id = $1 or (created_by = $1 and delegated)', which.ofOrBy]
  // Whoever is about to make a token with one of these holds it: what they make is there before we look.
  await rows(tx, `select id from api_tokens where ${roots} order by id for update`, [value])
  for (;;) {
    const ended = await rows<{ id: string; userId: string }>(
      tx,
      `with recursive gone (id) as (
         select id from api_tokens where ${roots}
         union select t.id from api_tokens t join gone on t.parent_id = gone.id)
       update api_tokens t set revoked_at = now() from gone
       where t.id = gone.id and t.revoked_at is null returning t.id, t.user_id as "userId"`,
      [value],
    )
    // Of one that was made meanwhile the next look knows.
    if (ended.length === 0) return
    await record(
      tx,
      ...ended.map(({ id, userId }) => ({ kind: 'token.revoked' as const, actor, subject: id, data: { userId, reason } })),
    )
  }
}
