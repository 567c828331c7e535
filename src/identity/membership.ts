// What a sign-in said of somebody's groups counts for a while only; what SCIM or an admin said counts until they say otherwise.

/** True for a row of `group_members` that counts now. */
export function counts(alias: string, freshMinutes: number): string {
  return `(${alias}.confirmed_at is null or ${alias}.confirmed_at > now() - make_interval(mins => ${freshMinutes}))`
}

/** The groups of `u`, a row of users. */
export function groupIdsOf(freshMinutes: number): string {
  return `array(select m.group_id from group_members m where m.user_id = u.id and ${counts('m', freshMinutes)})`
}

/** The system roles of `u`: their own, and those of their groups. */
export function rolesOf(freshMinutes: number): string {
  return `array(select unnest(u.roles) union
    select r.role from role_groups r join group_members m on m.group_id = r.group_id
    where m.user_id = u.id and ${counts('m', freshMinutes)})`
}
