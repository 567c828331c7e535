import { useQueryClient } from '@tanstack/react-query'
import { grants } from '../../../../src/contract/endpoints/grants.ts'
import { api } from '../../data/api.ts'
import { keys } from '../../data/queries.ts'
import { Sure } from '../../parts/sure.tsx'
import { words } from '../../words.ts'

/** When somebody else opened what was meant for this person: everything is revoked, and the trail says why. */
export function Report({ id }: { readonly id: string }) {
  const client = useQueryClient()
  const report = async () => {
    await api.call(grants.report, { params: { id }, body: { note: '' } })
    await client.invalidateQueries({ queryKey: keys.grants })
  }
  return <Sure label={words.reveal.report} yes={words.reveal.reportSure} no={words.reveal.reportNot} size="md" work={report} />
}
