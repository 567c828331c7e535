import { record } from '../../audit/record.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import type { Filter } from './filter.ts'
import { conditionOf } from './filter-sql.ts'
import { MEMBER_COLUMNS } from './group-columns.ts'
import { scimId } from './scim-id.ts'

export type Members =
  | { readonly kind: 'all' }
  | { readonly kind: 'these' | 'others'; readonly ids: readonly string[] }
  | { readonly kind: 'matching'; readonly filter: Filter }

/** Whether somebody came. Members are people SCIM brought, by our id: an externalId is nobody's. */
export async function addMembers(tx: Tx, actor: string, groupId: string, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false
  const known = await rows<{ id: string; personId: string }>(
    tx,
    `select ${scimId('u')} as id, u.id as "personId" from users u
     where ${scimId('u')} = any($1) and u.source = 'scim' and u.user_name is not null for key share`,
    [ids],
  )
  const unknown = ids.find((id) => !known.some((person) => person.id === id))
  if (unknown !== undefined) {
    throw new ScimRefusal('invalidValue', `members: there is no person ${JSON.stringify(unknown.slice(0, 100))}`, {
      fix: 'use the id that was answered when this person was created',
    })
  }
  const added = await rows<{ userId: string }>(
    tx,
    `insert into group_members (group_id, user_id) select $1, unnest($2::text[]) on conflict do nothing
     returning user_id as "userId"`,
    [groupId, known.map(({ personId }) => personId)],
  )
  return note(tx, 'group.member_added', actor, groupId, added)
}

/** Whether somebody went. */
export async function dropMembers(tx: Tx, actor: string, groupId: string, which: Members): Promise<boolean> {
  const values: unknown[] = [groupId]
  const dropped = await rows<{ userId: string }>(
    tx,
    `delete from group_members m using users p
     where m.group_id = $1 and p.id = m.user_id and ${condition(which, values)} returning m.user_id as "userId"`,
    values,
  )
  return note(tx, 'group.member_removed', actor, groupId, dropped)
}

export async function keepOnly(tx: Tx, actor: string, groupId: string, ids: readonly string[]): Promise<boolean> {
  const went = await dropMembers(tx, actor, groupId, { kind: 'others', ids })
  const came = await addMembers(tx, actor, groupId, ids)
  return went || came
}

function condition(which: Members, values: unknown[]): string {
  switch (which.kind) {
    case 'all':
      return 'true'
    case 'these':
      return `${scimId('p')} = any($${values.push(which.ids)}::text[])`
    case 'others':
      return `${scimId('p')} <> all($${values.push(which.ids)}::text[])`
    case 'matching':
      return conditionOf(which.filter, MEMBER_COLUMNS, values)
  }
}

async function note(
  tx: Tx,
  kind: 'group.member_added' | 'group.member_removed',
  actor: string,
  groupId: string,
  moved: readonly { readonly userId: string }[],
): Promise<boolean> {
  if (moved.length > 0) await directoryChanged(tx)
  await record(tx, ...moved.map(({ userId }) => ({ kind, actor, subject: groupId, data: { userId } })))
  return moved.length > 0
}
