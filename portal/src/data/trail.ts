import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { AuditEntry } from '../../../src/contract/audit.ts'
import { audit } from '../../../src/contract/endpoints/audit.ts'
import { users } from '../../../src/contract/endpoints/people.ts'
import { api, gathered } from './api.ts'
import { LATER_MS, pageByPage } from './pace.ts'

/** As in queries.ts, for the audit trail. */
const trailKeys = { trail: ['trail'], people: ['people'] } as const

/** Entries are short. */
const ENTRIES = 30

/** What of the trail is shown; it stands in the address. */
export interface Wanted {
  readonly kind?: string | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export const trail = (wanted: Wanted) =>
  infiniteQueryOptions({
    queryKey: [...trailKeys.trail, wanted],
    queryFn: ({ pageParam }) => api.call(audit.list, { query: { ...wanted, limit: ENTRIES, cursor: pageParam } }),
    ...pageByPage,
    refetchInterval: LATER_MS,
  })

/** Everything that was recorded of these things, in the order of the chain. */
export const story = (subjects: readonly string[]) =>
  queryOptions({
    queryKey: [...trailKeys.trail, 'story', subjects],
    queryFn: async () => (await Promise.all(subjects.map(recordedOf))).flat().toSorted((one, other) => one.seq - other.seq),
    refetchInterval: LATER_MS,
  })

/** Null for who cannot be looked up any more. */
export const personName = (id: string) =>
  queryOptions({
    queryKey: [...trailKeys.people, id],
    queryFn: async () => (await api.call(users.get, { params: { id } })).name,
    staleTime: Number.POSITIVE_INFINITY,
  })

const recordedOf = (subject: string): Promise<AuditEntry[]> => gathered(api.each(audit.list, { query: { subject } }))
