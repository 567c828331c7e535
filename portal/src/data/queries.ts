import { queryOptions } from '@tanstack/react-query'
import { grants } from '../../../src/contract/endpoints/grants.ts'
import { myself } from '../../../src/contract/endpoints/people.ts'
import type { GrantView } from '../../../src/contract/grants.ts'
import { api } from './api.ts'

/** Every question a page asks, under its key. The first word of a key is the noun: what changes a noun makes its questions stale. */
const keys = {
  me: ['me'],
  grants: ['grants'],
} as const

const SOON_MS = 2_000
const LATER_MS = 15_000

/** A grant with the moment it was told at, by a clock that nobody can set: its seconds left are counted from there. */
export type ToldGrant = GrantView & { readonly toldAt: number }

const told = (grant: GrantView): ToldGrant => ({ ...grant, toldAt: performance.now() })
const isMoving = ({ state }: GrantView) => ['scheduled', 'provisioning', 'revoking', 'stuck'].includes(state)

export const me = () => queryOptions({ queryKey: keys.me, queryFn: () => api.call(myself.get), staleTime: 60_000 })

export const liveGrants = () =>
  queryOptions({
    queryKey: [...keys.grants, 'live'],
    queryFn: async () => (await api.call(grants.list, { query: { live: true, limit: 50 } })).items.map(told),
    refetchInterval: ({ state }) => (state.data?.some(isMoving) ? SOON_MS : LATER_MS),
  })
