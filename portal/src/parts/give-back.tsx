import { useQueryClient } from '@tanstack/react-query'
import { grants } from '../../../src/contract/endpoints/grants.ts'
import { api } from '../data/api.ts'
import { keys } from '../data/queries.ts'
import { words } from '../words.ts'
import { Sure } from './sure.tsx'

export function GiveBack({ id }: { readonly id: string }) {
  const client = useQueryClient()
  const giveBack = async () => {
    await api.call(grants.giveBack, { params: { id } })
    await client.invalidateQueries({ queryKey: keys.grants })
  }
  return <Sure label={words.grant.giveBack} yes={words.grant.giveBackSure} no={words.grant.keep} work={giveBack} />
}
