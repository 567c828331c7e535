import { BROKER, record } from '../../audit/record.ts'
import { newId } from '../../platform/ids.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import type { GroupsSaid, RefusedName } from './group-names.ts'
import type { Fact, Statement } from './statement.ts'

/** A refused name is told in full; of a thousand of them, these many. */
const MOST_TOLD = 20

interface Where {
  readonly issuer: string
  readonly subject: string
  readonly userId: string
}

/**
 * Puts somebody into exactly the groups the provider said, among those of this provider. Groups it did not tell stay as they were, and as
 * old as they were: a decision does not trust them.
 */
export async function confirmGroups(
  tx: Tx,
  where: Where,
  { value, source }: Fact<GroupsSaid>,
  { occasion }: Pick<Statement, 'occasion'>,
  ageSeconds: number,
): Promise<void> {
  if (!value.told) return noteUntold(tx, where, value.why, occasion)
  const clashing = await replaceGroups(tx, where, value.names, ageSeconds)
  const refused = [...value.refused, ...clashing]
  const before = await row<{ refused: RefusedName[] }>(
    tx,
    `update identities i set groups_said_at = now() - make_interval(secs => $3), groups_source = case $4 when 'access_token' then i.groups_source else $4 end,
       groups_refused = $5
     from (select groups_refused from identities where issuer = $1 and subject = $2) b
     where i.issuer = $1 and i.subject = $2 returning b.groups_refused as refused`,
    [where.issuer, where.subject, ageSeconds, source, JSON.stringify(refused.slice(0, MOST_TOLD))],
  )
  const isNews = legend(before?.refused ?? []) !== legend(refused.slice(0, MOST_TOLD))
  if (refused.length === 0 || !isNews) return
  const data = { count: refused.length, refused: refused.slice(0, MOST_TOLD).map(({ name, why }) => ({ name, why })) }
  await record(tx, { kind: 'group.names_refused' as const, actor: BROKER, subject: where.userId, data })
}

// Not as the database gives the objects back: it orders their keys.
function legend(refused: readonly RefusedName[]): string {
  return JSON.stringify(refused.map(({ name, why }) => [name, why]))
}

async function noteUntold(tx: Tx, { issuer, subject, userId }: Where, why: string, occasion: string): Promise<void> {
  const before = await row<{ wasTold: boolean }>(
    tx,
    `update identities i set groups_untold = $3, groups_untold_at = now()
     from (select groups_untold is distinct from $3 or groups_said_at > groups_untold_at as "wasTold"
           from identities where issuer = $1 and subject = $2) b
     where i.issuer = $1 and i.subject = $2 returning b."wasTold"`,
    [issuer, subject, why],
  )
  if (before?.wasTold === false) return
  await record(tx, { kind: 'group.not_told', actor: BROKER, subject: userId, data: { why, occasion } })
}

/** A group is found by the very text of the claim. Answers names that only look like a group there is already (`ADMINS`). */
async function replaceGroups(
  tx: Tx,
  { issuer, userId }: Where,
  names: readonly string[],
  ageSeconds: number,
): Promise<RefusedName[]> {
  const made = await rows<{ id: string; name: string }>(
    tx,
    `insert into groups (id, name, source, external_id, issuer)
     select g.id, g.name, 'sign_in', g.name, $3 from unnest($1::text[], $2::text[]) as g (id, name)
     where not exists (select from groups o where o.source = 'sign_in' and o.issuer = $3 and o.external_id = g.name)
     on conflict do nothing returning id, name`,
    [names.map(() => newId('grp')), names, issuer],
  )
  const dropped = await rows<{ id: string }>(
    tx,
    `delete from group_members m using groups g
     where m.user_id = $1 and g.id = m.group_id and g.source = 'sign_in' and (g.issuer is distinct from $3 or g.external_id <> all ($2))
     returning g.id`,
    [userId, names, issuer],
  )
  const added = await rows<{ id: string; name: string; isNew: boolean }>(
    tx,
    `insert into group_members as m (group_id, user_id, confirmed_at)
     select id, $1, now() - make_interval(secs => $3) from groups
     where source = 'sign_in' and issuer = $4 and external_id = any ($2)
     on conflict (group_id, user_id) do update set confirmed_at = excluded.confirmed_at
     returning m.group_id as id, (xmax = 0) as "isNew",
       (select external_id from groups where id = m.group_id) as name`,
    [userId, names, ageSeconds, issuer],
  )
  if (dropped.length > 0 || added.some(({ isNew }) => isNew)) await directoryChanged(tx)
  await record(
    tx,
    ...made.map(({ id, name }) => ({
      kind: 'group.created' as const,
      actor: BROKER,
      subject: id,
      data: { name, source: 'sign_in' as const, issuer },
    })),
    ...dropped.map(({ id }) => ({ kind: 'group.member_removed' as const, actor: BROKER, subject: id, data: { userId } })),
    ...added
      .filter(({ isNew }) => isNew)
      .map(({ id }) => ({ kind: 'group.member_added' as const, actor: BROKER, subject: id, data: { userId } })),
  )
  const joined = new Set(added.map(({ name }) => name))
  return names.filter((name) => !joined.has(name)).map((name) => ({ name, why: 'it differs from another group only in case' }))
}
