import { SCIM_PATH } from '../../platform/http/scim-error.ts'
import { COMPANY } from './person.ts'
import { URN } from './schemas.ts'
import type { GroupRow, MemberRow } from './scim-groups.service.ts'
import type { UserRow } from './scim-users.service.ts'

export type Resource = Readonly<Record<string, unknown>>

export function userResource(
  { id, personId: _person, state, scim, managerId, managerName, groups, ...times }: UserRow,
  base: string,
): Resource {
  const { manager, emails = [], active: _said, ...kept } = scim
  const isCompany = ([key]: [string, unknown]) => COMPANY.some((one) => one === key)
  const extension = {
    ...Object.fromEntries(Object.entries(kept).filter(isCompany)),
    ...(manager !== undefined && { manager: managerOf(manager, managerId, managerName, base) }),
  }
  const isExtended = Object.keys(extension).length > 0
  return {
    schemas: [URN.user, ...(isExtended ? [URN.enterprise] : [])],
    id,
    ...Object.fromEntries(Object.entries(kept).filter((entry) => !isCompany(entry))),
    active: state === 'active', // somebody may have disabled them here
    ...(emails.length > 0 && { emails }),
    ...(groups.length > 0 && {
      groups: groups.map(({ value, display }) => ({ value, $ref: locationOf('Group', value, base), display })),
    }),
    ...(isExtended && { [URN.enterprise]: extension }),
    meta: metaOf('User', id, times, base),
  }
}

/** Without members where they were not read. */
export function groupResource(
  { id, name, externalId, ...times }: GroupRow,
  members: readonly MemberRow[] | undefined,
  base: string,
): Resource {
  return {
    schemas: [URN.group],
    id,
    ...(externalId !== null && { externalId }),
    displayName: name,
    ...(members && {
      members: members.map(({ value, display }) => ({ value, $ref: locationOf('User', value, base), display, type: 'User' })),
    }),
    meta: metaOf('Group', id, times, base),
  }
}

function managerOf(said: string, id: string | null, name: string | null, base: string): Resource {
  return id === null ? { value: said } : { value: id, $ref: locationOf('User', id, base), displayName: name ?? undefined }
}

export function locationOf(kind: 'User' | 'Group', id: string, base: string): string {
  return `${base}${SCIM_PATH}/${kind}s/${id}`
}

function metaOf(
  resourceType: 'User' | 'Group',
  id: string,
  { createdAt, changedAt }: { readonly createdAt: Date; readonly changedAt: Date },
  base: string,
) {
  return {
    resourceType,
    created: createdAt.toISOString(),
    lastModified: changedAt.toISOString(),
    location: locationOf(resourceType, id, base),
  }
}
