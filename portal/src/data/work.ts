import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { DistributionView } from '../../../src/contract/distributions.ts'
import { certificates } from '../../../src/contract/endpoints/distribution.ts'
import { distributions } from '../../../src/contract/endpoints/distributions.ts'
import { integrations } from '../../../src/contract/endpoints/integrations.ts'
import { rotations } from '../../../src/contract/endpoints/rotations.ts'
import { runs } from '../../../src/contract/endpoints/runs.ts'
import type { RunView } from '../../../src/contract/runs.ts'
import { api, gathered } from './api.ts'
import { LATER_MS, PAGE, pageByPage, SOON_MS } from './pace.ts'

/** As in queries.ts, for the work that admins see to. */
export const workKeys = {
  runs: ['runs'],
  integrations: ['integrations'],
  rotations: ['rotations'],
  certificates: ['certificates'],
  distributions: ['distributions'],
} as const

const paged = { ...pageByPage, refetchInterval: LATER_MS }

export const isMoving = ({ state }: RunView) => ['pending', 'executing', 'undoing', 'stuck'].includes(state)
/** Settled targets are those that nothing is done about any more. */
export const settledOf = ({ targets }: DistributionView) =>
  targets.filter(({ state }) => ['verified', 'failed', 'rolled_back', 'refused'].includes(state)).length

export const runList = (state: RunView['state'] | undefined) =>
  infiniteQueryOptions({
    queryKey: [...workKeys.runs, 'list', state],
    queryFn: ({ pageParam }) => api.call(runs.list, { query: { state, limit: PAGE, cursor: pageParam } }),
    ...paged,
  })

export const run = (id: string) =>
  queryOptions({
    queryKey: [...workKeys.runs, id],
    queryFn: () => api.call(runs.get, { params: { id } }),
    refetchInterval: ({ state }) => (state.data && isMoving(state.data) ? SOON_MS : LATER_MS),
  })

/** Told with the run's state: what belongs to another state is asked for again. */
export const runSteps = ({ id, state, progress }: RunView) =>
  queryOptions({
    queryKey: [...workKeys.runs, id, 'steps', state, progress.done],
    queryFn: () => api.call(runs.steps, { params: { id } }),
    placeholderData: (former) => former,
  })

export const runReceipt = ({ id, state }: RunView) =>
  queryOptions({
    queryKey: [...workKeys.runs, id, 'receipt', state],
    queryFn: () => api.call(runs.receipt, { params: { id } }),
  })

/** The target is asked. */
export const wayBack = (id: string) =>
  queryOptions({
    queryKey: [...workKeys.runs, id, 'way-back'],
    queryFn: () => api.call(runs.rollbackPreview, { params: { id } }),
    staleTime: 30_000,
  })

export const connected = () =>
  queryOptions({
    queryKey: [...workKeys.integrations, 'connected'],
    queryFn: () => gathered(api.each(integrations.list)),
  })

export const offeredActions = (id: string) =>
  queryOptions({
    queryKey: [...workKeys.integrations, id, 'actions'],
    queryFn: async () => (await api.call(runs.actions, { params: { id } })).items,
  })

export const dueRotations = () =>
  queryOptions({
    queryKey: [...workKeys.rotations, 'due'],
    queryFn: async () => (await api.call(rotations.due)).items,
    refetchInterval: ({ state }) => (state.data?.some(({ last }) => last && last.settledAt === null) ? SOON_MS : LATER_MS),
  })

export const certificateList = () =>
  infiniteQueryOptions({
    queryKey: [...workKeys.certificates, 'list'],
    queryFn: ({ pageParam }) => api.call(certificates.list, { query: { limit: PAGE, cursor: pageParam } }),
    ...paged,
  })

export const distributionList = () =>
  infiniteQueryOptions({
    queryKey: [...workKeys.distributions, 'list'],
    queryFn: ({ pageParam }) => api.call(distributions.list, { query: { limit: PAGE, cursor: pageParam } }),
    ...paged,
  })

export const distribution = (id: string) =>
  queryOptions({
    queryKey: [...workKeys.distributions, id],
    queryFn: () => api.call(distributions.get, { params: { id } }),
    refetchInterval: ({ state }) =>
      state.data && (state.data.state === 'running' || settledOf(state.data) < state.data.targets.length) ? SOON_MS : LATER_MS,
  })

/** Every target is asked. */
export const distributionWayBack = (id: string) =>
  queryOptions({
    queryKey: [...workKeys.distributions, id, 'way-back'],
    queryFn: async () => (await api.call(distributions.rollbackPreview, { params: { id } })).items,
    staleTime: 30_000,
  })
