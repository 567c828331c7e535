import { record } from '../../audit/record.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { revokeScimTokensOf } from '../directory/scim-tokens-in-hand.ts'

export type Revoked = { readonly tokenId: string } | { readonly inHandsOf: string }

interface Ended {
  readonly id: string
  readonly userId: string
}

/**
 * Ends tokens at once, and whatever was made with them: one token, or all that somebody may have in hand, their own and those of others.
 * `reason` is for the trail. Answers whose tokens have ended.
 */
export async function revokeTokens(tx: Tx, actor: string, which: Revoked, reason?: string): Promise<ReadonlySet<string>> {
  const [roots, value] =
    'tokenId' in which ? ['id = $1', which.tokenId] : ['(user_id = $1 or makers @> array[$1])', which.inHandsOf]
  // A caller who is about to make a token with one of these holds it: what they make is there before we look.
  await rows(tx, `select id from api_tokens where ${roots} order by id for update`, [value])
  const of = 'tokenId' in which ? await personOf(tx, which.tokenId) : which.inHandsOf
  const why =
    'tokenId' in which ? 'the token it was made with was revoked' : 'a person who made it, or who may have a copy, was disabled'
  const people = new Set<string>()
  const below = `with recursive gone (id) as (
    select id from api_tokens where ${roots}
    union select t.id from api_tokens t join gone on t.parent_id = gone.id)`
  for (;;) {
    const ended = await rows<Ended>(
      tx,
      `${below} update api_tokens t set revoked_at = now() from gone
       where t.id = gone.id and t.revoked_at is null returning t.id, t.user_id as "userId"`,
      [value],
    )
    // Of one that was made meanwhile the next look knows.
    if (ended.length === 0) break
    for (const { userId } of ended) people.add(userId)
    await record(
      tx,
      ...ended.map(({ id, userId }) => ({
        kind: 'token.revoked' as const,
        actor,
        subject: id,
        data: userId === of ? { userId, reason } : { userId, reason: why, inHandsOf: of },
      })),
    )
  }
  // A connector outlives an admin who connected it and was disabled, and not the token that somebody revokes, be it for the second time.
  if ('tokenId' in which) {
    const all = await rows<{ id: string }>(tx, `${below} select id from gone`, [value])
    await revokeScimTokensOf(
      tx,
      actor,
      all.map(({ id }) => id),
    )
  }
  return people
}

async function personOf(tx: Tx, tokenId: string): Promise<string | undefined> {
  return (await row<{ userId: string }>(tx, 'select user_id as "userId" from api_tokens where id = $1', [tokenId]))?.userId
}
