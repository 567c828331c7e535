import { useQueries, useQuery } from '@tanstack/react-query'
import { directory, groupName } from '../../data/flows.ts'
import { personName } from '../../data/trail.ts'
import type { NameOf } from './sentences.ts'

const UNKNOWN_YET = '…'

/** What these people and groups are called; who cannot be looked up has an id still. */
export function useNames(ids: readonly string[]): NameOf {
  const names = useQueries({
    queries: ids.map((id) => (id.startsWith('grp_') ? groupName(id) : personName(id))),
    combine: (asked) => new Map(asked.map(({ data, isPending }, at) => [ids[at], data ?? (isPending ? UNKNOWN_YET : ids[at])])),
  })
  return (id) => names.get(id) ?? id
}

/** People and groups with this in their name, or in what tells them apart; asked for once something is typed. */
export function useNamed(typed: string) {
  const asked = typed.trim().toLowerCase()
  const { data, error } = useQuery({ ...directory(), enabled: asked !== '' })
  return { found: data?.filter(({ name, detail }) => `${name} ${detail ?? ''}`.toLowerCase().includes(asked)), error }
}
