import { BROKER, record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/database.ts'
import { newId } from '../../platform/ids.ts'
import type { Said } from './claims.ts'

/**
 * Puts somebody into exactly the groups the provider said, among those that sign-ins made. A group is found by the very text of the claim:
 * one whose name only looks the same (`ADMINS`) is not let in beside it.
 */
export async function confirmGroups(tx: Tx, userId: string, said: Said, ageSeconds: number): Promise<void> {
  const made = await rows<{ id: string; name: string }>(
    tx,
    `insert into groups (id, name, source, external_id)
     select g.id, g.name, 'sign_in', g.name from unnest($1::text[], $2::text[]) as g (id, name)
     where not exists (select from groups o where o.source = 'sign_in' and o.external_id = g.name)
     on conflict do nothing returning id, name`,
    [said.groups.map(() => newId('grp')), said.groups],
  )
  const dropped = await rows<{ id: string }>(
    tx,
    `delete from group_members m using groups g
     where m.user_id = $1 and g.id = m.group_id and g.source = 'sign_in' and g.external_id <> all ($2)
     returning g.id`,
    [userId, said.groups],
  )
  const added = await rows<{ id: string; isNew: boolean }>(
    tx,
    `insert into group_members as m (group_id, user_id, confirmed_at)
     select id, $1, now() - make_interval(secs => $3) from groups where source = 'sign_in' and external_id = any ($2)
     on conflict (group_id, user_id) do update set confirmed_at = excluded.confirmed_at
     returning m.group_id as id, (xmax = 0) as "isNew"`,
    [userId, said.groups, ageSeconds],
  )
  const refused = said.refusedGroups + said.groups.length - added.length
  await record(
    tx,
    ...made.map(({ id, name }) => ({ kind: 'group.created', actor: BROKER, subject: id, data: { name, source: 'sign_in' } })),
    ...dropped.map(({ id }) => ({ kind: 'group.member_removed', actor: BROKER, subject: id, data: { userId } })),
    ...added
      .filter(({ isNew }) => isNew)
      .map(({ id }) => ({ kind: 'group.member_added', actor: BROKER, subject: id, data: { userId } })),
    ...(refused > 0 ? [{ kind: 'group.names_refused', actor: BROKER, subject: userId, data: { count: refused } }] : []),
  )
}
