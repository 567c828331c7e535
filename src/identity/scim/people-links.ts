import { record } from '../../audit/record.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { directoryChanged } from '../directory/directory-changed.ts'
import { scimId } from './scim-id.ts'

/** Who reports to which manager, for one person and for those who name one of the references: by our id first, else by externalId. */
export async function resolveManagers(tx: Tx, userId: string, references: readonly (string | undefined)[]): Promise<void> {
  const moved = await rows(
    tx,
    `update users u set manager_id = f.manager_id
     from users s left join lateral (
       select m.id as manager_id from users m
       where m.source = 'scim' and m.user_name is not null and m.id <> s.id
         and (${scimId('m')} = s.scim->>'manager' or m.external_id = s.scim->>'manager')
       order by ${scimId('m')} = s.scim->>'manager' desc limit 1) f on true
     where u.id = s.id and s.source = 'scim' and s.user_name is not null and (s.id = $1 or s.scim->>'manager' = any($2))
       and u.manager_id is distinct from f.manager_id returning u.id`,
    [userId, references.filter((reference) => reference !== undefined)],
  )
  if (moved.length > 0) await directoryChanged(tx)
}

/**
 * A removed person who had this externalId before is not the one who signs in with it from now on. That sign-in is forgotten, so that the next
 * one finds the new person, who has nothing of the former one.
 */
export async function forgetRecycled(tx: Tx, actor: string, externalId: string): Promise<void> {
  const forgotten = await rows<{ userId: string; issuer: string; subject: string }>(
    tx,
    `delete from identities i using users u
     where u.id = i.user_id and u.source = 'scim' and u.user_name is null and u.scim->>'externalId' = $1
     returning u.id as "userId", i.issuer, i.subject`,
    [externalId],
  )
  await record(
    tx,
    ...forgotten.map(({ userId, ...data }) => ({ kind: 'identity.forgotten' as const, actor, subject: userId, data })),
  )
}
