import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { requests } from '../../../src/contract/endpoints/access.ts'
import { grants } from '../../../src/contract/endpoints/grants.ts'
import { resources } from '../../../src/contract/endpoints/integrations.ts'
import { myself } from '../../../src/contract/endpoints/people.ts'
import type { GrantView } from '../../../src/contract/grants.ts'
import { api } from './api.ts'
import { LATER_MS, PAGE, pageByPage, SOON_MS } from './pace.ts'

/** Every question a page asks, under its key. The first word of a key is the noun: what changes a noun makes its questions stale. */
export const keys = {
  me: ['me'],
  grants: ['grants'],
  requests: ['requests'],
  resources: ['resources'],
  dryRuns: ['dry-runs'],
} as const

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

export const endedGrants = () =>
  infiniteQueryOptions({
    queryKey: [...keys.grants, 'ended'],
    queryFn: ({ pageParam }) => api.call(grants.list, { query: { live: false, limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

export const grant = (id: string) =>
  queryOptions({
    queryKey: [...keys.grants, id],
    queryFn: async () => told(await api.call(grants.get, { params: { id } })),
    refetchInterval: ({ state }) => (state.data && isMoving(state.data) ? SOON_MS : state.data?.endedAt ? false : LATER_MS),
  })

/** Null for one that was never opened. */
export const opening = (id: string) =>
  queryOptions({
    queryKey: [...keys.grants, id, 'opening'],
    queryFn: () => orNull(api.call(grants.credential, { params: { id } })),
    refetchInterval: ({ state }) => (state.data?.state === 'ended' ? false : LATER_MS),
  })

/** Null until everything is proved gone. */
export const receipt = (id: string) =>
  queryOptions({
    queryKey: [...keys.grants, id, 'receipt'],
    queryFn: () => orNull(api.call(grants.receipt, { params: { id } })),
    refetchInterval: ({ state }) => (state.data === null ? SOON_MS : false),
  })

export const myRequests = () =>
  infiniteQueryOptions({
    queryKey: [...keys.requests, 'mine'],
    queryFn: ({ pageParam }) => api.call(requests.list, { query: { role: 'requester', limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

export const inbox = () =>
  infiniteQueryOptions({
    queryKey: [...keys.requests, 'inbox'],
    queryFn: ({ pageParam }) => api.call(requests.list, { query: { role: 'approver', limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

export const request = (id: string) =>
  queryOptions({
    queryKey: [...keys.requests, id],
    queryFn: () => api.call(requests.get, { params: { id } }),
    refetchInterval: ({ state }) => (state.data === undefined || state.data.state === 'pending' ? 4_000 : false),
  })

export const search = (q: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.resources, 'search', q],
    queryFn: ({ pageParam }) =>
      api.call(resources.search, { query: { q: q === '' ? undefined : q, limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    placeholderData: keepPreviousData,
  })

export const offers = (id: string) =>
  queryOptions({
    queryKey: [...keys.resources, id, 'offers'],
    queryFn: () => api.call(resources.offers, { params: { id } }),
    staleTime: 60_000,
  })

/** What a request asks for, as the API takes it. */
export type Asked = Parameters<typeof api.call<typeof requests.dryRun>>[1]['body']

/** While another question is on its way, the former answer stays. */
export const dryRun = (body: Asked) =>
  queryOptions({
    queryKey: [...keys.dryRuns, body],
    queryFn: () => api.call(requests.dryRun, { body }),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })

/** What is not there is no fault where it may be missing. */
export async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if ((error as { code?: string }).code === 'not_found') return null
    throw error
  }
}
