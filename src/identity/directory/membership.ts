// What a sign-in said of somebody's groups counts for a while only; what SCIM or an admin said counts until they say otherwise.

/** True for a row of `group_members` that counts now. */
export function counts(alias: string, freshMinutes: number): string {
  return `(${alias}.confirmed_at is null or ${alias}.confirmed_at > now() - make_interval(mins => ${freshMinutes}))`
}

/** The groups of `u`, a row of users. */
export function groupIdsOf(freshMinutes: number): string {
  return `array(select m.group_id from group_members m where m.user_id = u.id and ${counts('m', freshMinutes)})`
}

/** Whether `u` has one of the roles in the parameter `roles`, by whatever road. */
export function hasRole(roles: string, freshMinutes: number): string {
  return `(u.roles && ${roles}::text[] or exists (
    select from role_groups r join group_members m on m.group_id = r.group_id
    where r.role = any(${roles}::text[]) and m.user_id = u.id and ${counts('m', freshMinutes)}))`
}

/** The system roles of `u`: their own, and those of their groups. */
export function rolesOf(freshMinutes: number, person = 'u'): string {
  return `array(select unnest(${person}.roles) union
    select r.role from role_groups r join group_members m on m.group_id = r.group_id
    where m.user_id = ${person}.id and ${counts('m', freshMinutes)})`
}

/** A membership that has grown old was not lost: nobody said so. */
export const HOWEVER_OLD_MINUTES = 100 * 366 * 24 * 60

/** The system roles that `t`, a token of `u`, gives: none that somebody else who may have it in hand has lost and could not give either. */
export function rolesThrough(freshMinutes: number): string {
  return `array(select g.role from unnest(${rolesOf(freshMinutes)}) as g (role) where not exists (
    select from users h where h.id = any(t.makers) and h.id <> u.id
      and not ${rolesOf(HOWEVER_OLD_MINUTES, 'h')} && array['admin', g.role]))`
}
