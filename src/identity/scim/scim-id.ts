/** The id SCIM knows somebody by, of a row of users: its own where it brought them before it was known who they are. */
export function scimId(alias: string): string {
  return `coalesce(${alias}.scim_id, ${alias}.id)`
}
