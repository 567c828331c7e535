import { useQueries } from '@tanstack/react-query'
import { groupName } from '../../data/flows.ts'
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
