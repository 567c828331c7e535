import { useQueryClient } from '@tanstack/react-query'
import { grants } from '../../../src/contract/endpoints/grants.ts'
import { api } from '../data/api.ts'
import { keys } from '../data/queries.ts'
import { words } from '../words.ts'
import { Sure } from './sure.tsx'

export function GiveBack({ id, isPossible = true }: { readonly id: string; readonly isPossible?: boolean }) {
  const client = useQueryClient()
  const giveBack = async () => {
    await api.call(grants.giveBack, { params: { id } })
    await client.invalidateQueries({ queryKey: keys.grants })
  }
  const { giveBack: label, giveBackSure: yes, keep: no } = words.grant
  return <Sure label={label} yes={yes} no={no} isPossible={isPossible} work={giveBack} />
}
