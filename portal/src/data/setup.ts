import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { catalog } from '../../../src/contract/endpoints/catalog.ts'
import { discovery, integrations } from '../../../src/contract/endpoints/integrations.ts'
import { proposals } from '../../../src/contract/endpoints/proposals.ts'
import type { ProposalView } from '../../../src/contract/proposals.ts'
import { api } from './api.ts'
import { LATER_MS, PAGE, pageByPage, SOON_MS } from './pace.ts'
import { orNull } from './queries.ts'
import { workKeys } from './work.ts'

/** As in queries.ts, for how the broker itself is set up. */
export const setupKeys = { proposals: ['proposals'], integrations: workKeys.integrations, catalog: ['catalog'] } as const

export const proposalList = (state: ProposalView['state'] | undefined) =>
  infiniteQueryOptions({
    queryKey: [...setupKeys.proposals, 'list', state],
    queryFn: ({ pageParam }) => api.call(proposals.list, { query: { state, limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

export const proposal = (id: string) =>
  queryOptions({
    queryKey: [...setupKeys.proposals, id],
    queryFn: () => api.call(proposals.get, { params: { id } }),
    refetchInterval: ({ state }) => (state.data?.state === 'accepted' ? SOON_MS : LATER_MS),
  })

export const integrationList = () =>
  infiniteQueryOptions({
    queryKey: [...setupKeys.integrations, 'list'],
    queryFn: ({ pageParam }) => api.call(integrations.list, { query: { limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

export const integration = (id: string) =>
  queryOptions({
    queryKey: [...setupKeys.integrations, id],
    queryFn: () => api.call(integrations.get, { params: { id } }),
    refetchInterval: LATER_MS,
  })

/** Null where nobody looked through it yet. */
export const lastSync = (id: string) =>
  queryOptions({
    queryKey: [...setupKeys.integrations, id, 'sync'],
    queryFn: () => orNull(api.call(discovery.latest, { params: { id } })),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? SOON_MS : LATER_MS),
  })

export const catalogEntries = () =>
  queryOptions({
    queryKey: setupKeys.catalog,
    queryFn: async () => (await api.call(catalog.list)).items,
    staleTime: Number.POSITIVE_INFINITY,
  })
