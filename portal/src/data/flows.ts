import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { flows } from '../../../src/contract/endpoints/access.ts'
import { resources } from '../../../src/contract/endpoints/integrations.ts'
import { groups, users } from '../../../src/contract/endpoints/people.ts'
import { proposals } from '../../../src/contract/endpoints/proposals.ts'
import { api, gathered } from './api.ts'
import { LATER_MS, PAGE, pageByPage } from './pace.ts'
import { keys } from './queries.ts'
import { setupKeys } from './setup.ts'

/** As in queries.ts, for the rules by which people ask. */
export const flowKeys = { flows: ['flows'], directory: ['directory'] } as const

export const flowList = (integration: string | undefined) =>
  infiniteQueryOptions({
    queryKey: [...flowKeys.flows, 'list', integration],
    queryFn: ({ pageParam }) => api.call(flows.list, { query: { integration, limit: PAGE, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

export const flow = (id: string) =>
  queryOptions({
    queryKey: [...flowKeys.flows, id],
    queryFn: () => api.call(flows.get, { params: { id } }),
    refetchInterval: LATER_MS,
  })

/** Changes of access flows that wait for a second person. */
export const waitingFlows = () =>
  queryOptions({
    queryKey: [...setupKeys.proposals, 'flows'],
    queryFn: async () => {
      const open = await gathered(api.each(proposals.list, { query: { state: 'open' } }))
      return open.filter(({ kind }) => kind === 'flow.create' || kind === 'flow.change')
    },
    refetchInterval: LATER_MS,
  })

/** The first that have this in their name. */
export const resourcesNamed = (integration: string, q: string) =>
  queryOptions({
    queryKey: [...keys.resources, 'named', integration, q],
    queryFn: async () => (await api.call(resources.search, { query: { integration, q, limit: PAGE } })).items,
  })

/** A person or a group that a rule can name. */
export interface Nameable {
  readonly id: string
  readonly name: string
  /** what tells two of the same name apart */
  readonly detail: string | null
}

/** Everybody who can be named, people first. The API has no search among them. */
export const directory = () =>
  queryOptions({
    queryKey: flowKeys.directory,
    queryFn: async () => {
      const [people, several] = await Promise.all([
        gathered(api.each(users.list, { query: { state: 'active' } })),
        gathered(api.each(groups.list)),
      ])
      const named: Nameable[] = people.map(({ id, name, email, userName }) => ({ id, name, detail: email ?? userName }))
      return [...named, ...several.map(({ id, name }) => ({ id, name, detail: null }))]
    },
    staleTime: 60_000,
  })

export const groupName = (id: string) =>
  queryOptions({
    queryKey: [...flowKeys.directory, id],
    queryFn: async () => (await api.call(groups.get, { params: { id } })).name,
    staleTime: Number.POSITIVE_INFINITY,
  })
