import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { grants } from '../../../../src/contract/endpoints/grants.ts'
import { api } from '../../data/api.ts'
import { keys } from '../../data/queries.ts'
import { useDoing } from '../../parts/doing.ts'
import { Refused } from '../../parts/refused.tsx'
import { words } from '../../words.ts'

/** When somebody else opened what was meant for this person: everything is revoked, and the trail says why. */
export function Report({ id }: { readonly id: string }) {
  const client = useQueryClient()
  const { run, isBusy, error } = useDoing(async () => {
    await api.call(grants.report, { params: { id }, body: { note: '' } })
    await client.invalidateQueries({ queryKey: keys.grants })
  })
  return (
    <>
      <Button variant="default" size="md" loading={isBusy} onClick={() => run()}>
        {words.reveal.report}
      </Button>
      <Refused error={error} />
    </>
  )
}
