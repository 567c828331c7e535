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

/** Whether `u` has something to come in with: a token that works, or a place at the identity provider. */
export const CAN_GET_IN = `(exists (select from api_tokens t where t.user_id = u.id and t.revoked_at is null and t.expires_at > now())
  or exists (select from identities i where i.user_id = u.id))`

/** The system roles of `u`: their own, and those of their groups. */
export function rolesOf(freshMinutes: number): string {
  return `array(select unnest(u.roles) union
    select r.role from role_groups r join group_members m on m.group_id = r.group_id
    where m.user_id = u.id and ${counts('m', freshMinutes)})`
}
