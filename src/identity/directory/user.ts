import type { Id } from '../../contract/id.ts'
import type { Role } from '../../contract/identity.ts'

export type UserState = 'active' | 'disabled'

/** A row of `users`, as far as an admin sees it. */
export interface User {
  readonly id: Id<'usr'>
  readonly name: string
  readonly email: string | null
  readonly roles: Role[]
  readonly state: UserState
  readonly source: 'local' | 'sign_in' | 'scim'
  readonly userName: string | null
  readonly signInName: string | null
  readonly createdAt: Date
}

export const USER_COLUMNS = `id, name, email, roles, state, source, user_name as "userName", sign_in_name as "signInName",
  created_at as "createdAt"`
