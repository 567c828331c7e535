import { useQuery } from '@tanstack/react-query'
import { personName } from '../../data/trail.ts'
import { work as words } from '../../words-for-work.ts'

/** A person by name, as the directory has it now; the broker itself; or whatever else acted, by its id. */
export function Actor({ id }: { readonly id: string }) {
  const isPerson = id.startsWith('usr_')
  const { data } = useQuery({ ...personName(id), enabled: isPerson })
  if (id === 'broker') return <span className="lk-dim">{words.audit.broker}</span>
  if (data === undefined) return <code>{id}</code>
  return <bdi title={id}>{data}</bdi>
}
