import { useQuery } from '@tanstack/react-query'
import type { Role } from '../../../src/contract/identity.ts'
import { me } from '../data/queries.ts'

/** Whether the person who is signed in has one of these system roles. What they may do, the broker decides; this is what they are shown. */
export function useRole(...roles: readonly Role[]): boolean {
  const { data } = useQuery(me())
  return data?.roles.some((role) => roles.includes(role)) ?? false
}
