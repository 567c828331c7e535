import { SCIM_PATH } from '../../platform/scim-error.ts'
import { COMPANY } from './person.ts'
import { URN } from './schemas.ts'
import type { GroupRow, MemberRow } from './scim-groups.service.ts'
import type { UserRow } from './scim-users.service.ts'

export type Resource = Readonly<Record<string, unknown>>

export function userResource({ id, state, scim, managerId, managerName, groups, ...times }: UserRow, base: string): Resource {
  const { active: _, manager, emails, employeeNumber: _number, costCenter: _center, ...core } = scim
  const company = Object.fromEntries(COMPANY.flatMap((key) => (scim[key] === undefined ? [] : [[key, scim[key]]])))
  const managed = manager === undefined ? {} : { manager: { value: managerId ?? manager, displayName: managerName ?? undefined } }
  const extension = { ...company, ...managed }
  const isExtended = Object.keys(extension).length > 0
  const { organization: _organization, division: _division, department: _department, ...plain } = core
  return {
    schemas: [URN.user, ...(isExtended ? [URN.enterprise] : [])],
    id,
    ...plain,
    active: state === 'active',
    ...(emails?.length && { emails }),
    ...(groups.length > 0 && { groups }),
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
    ...(members && { members: members.map(({ value, display }) => ({ value, display, type: 'User' })) }),
    meta: metaOf('Group', id, times, base),
  }
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
