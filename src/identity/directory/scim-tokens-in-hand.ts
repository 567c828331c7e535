import { record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { HOWEVER_OLD_MINUTES, rolesOf } from './membership.ts'

/** True for `h`, a row of users or nobody, who is removed, disabled, refused by the provider, or an admin no more. */
export const IS_NO_ADMIN_ANY_MORE = `(
  h.state is distinct from 'active' or not ${rolesOf(HOWEVER_OLD_MINUTES, 'h')} && array['admin']
  or coalesce((select i.refused_at >= i.confirmed_at from identities i where i.user_id = h.id order by i.confirmed_at desc limit 1), false))`

/** True for `t`, a SCIM token, when somebody who has seen it is such a one. */
export const SEEN_BY_LEAVERS = `exists (
  select from unnest(t.told_to) as m (maker) left join users h on h.id = m.maker where ${IS_NO_ADMIN_ANY_MORE})`

/** The connector goes on when an admin leaves who has seen its token, for people depend on it: the other admins are told to rotate it. */
export async function noteScimTokensInHand(tx: Tx, actor: string, userId: string, reason: string): Promise<void> {
  const seen = await rows<{ id: string; name: string }>(
    tx,
    `select id, name from scim_tokens where told_to @> array[$1] and revoked_at is null and expires_at > now() order by id`,
    [userId],
  )
  const fix =
    'rotate the token (POST /api/scim-tokens/:id/rotate), and put the new one into the identity provider’s SCIM connector'
  await record(
    tx,
    ...seen.map(({ id, name }) => ({
      kind: 'scim_token.maker_left' as const,
      actor,
      subject: id,
      data: { name, userId, reason, fix },
    })),
  )
}

/** Ends one with those it was rotated into and from: a person who revokes it means the connector's access, under whatever token. */
export async function revokeScimLine(tx: Tx, actor: string, tokenId: string): Promise<void> {
  for (;;) {
    const line = await rows<{ id: string; name: string }>(
      tx,
      `with recursive line (id, rotated_from) as (
         select id, rotated_from from scim_tokens where id = $1
         union select t.id, t.rotated_from from scim_tokens t join line l on t.rotated_from = l.id or t.id = l.rotated_from)
       update scim_tokens t set revoked_at = now() from line l where t.id = l.id and t.revoked_at is null returning t.id, t.name`,
      [tokenId],
    )
    // Of one that was made meanwhile the next look knows.
    if (line.length === 0) return
    const other = 'the token it was rotated into, or from, was revoked'
    await recordRevoked(tx, actor, line, (id) => (id === tokenId ? undefined : other))
  }
}

/** Ends those that were made with one of these tokens. */
export async function revokeScimTokensOf(tx: Tx, actor: string, parentIds: readonly string[]): Promise<void> {
  const ended = await rows<{ id: string; name: string }>(
    tx,
    'update scim_tokens set revoked_at = now() where parent_id = any($1) and revoked_at is null returning id, name',
    [parentIds],
  )
  await recordRevoked(tx, actor, ended, () => 'the token it was made with was revoked')
}

async function recordRevoked(
  tx: Tx,
  actor: string,
  ended: readonly { readonly id: string; readonly name: string }[],
  reasonOf: (id: string) => string | undefined,
): Promise<void> {
  await record(
    tx,
    ...ended.map(({ id, name }) => ({
      kind: 'scim_token.revoked' as const,
      actor,
      subject: id,
      data: { name, reason: reasonOf(id) },
    })),
  )
}
