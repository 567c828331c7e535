import type { Id } from '../../contract/id.ts'

/** A row of `groups`. */
export interface Group {
  readonly id: Id<'grp'>
  readonly name: string
  readonly source: 'local' | 'sign_in' | 'scim'
  readonly issuer: string | null
  readonly createdAt: Date
}

export const GROUP_COLUMNS = 'id, name, source, issuer, created_at as "createdAt"'
