import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { grants } from '../../../src/contract/endpoints/grants.ts'
import { api } from '../data/api.ts'
import { keys } from '../data/queries.ts'
import { words } from '../words.ts'
import { useDoing } from './doing.ts'
import { Refused } from './refused.tsx'

/** Asked once more, as it cannot be taken back. */
export function GiveBack({ id }: { readonly id: string }) {
  const client = useQueryClient()
  const [sure, setSure] = useState(false)
  const { run, isBusy, error } = useDoing(async () => {
    await api.call(grants.giveBack, { params: { id } })
    await client.invalidateQueries({ queryKey: keys.grants })
  })
  if (!sure) {
    return (
      <Button variant="default" onClick={() => setSure(true)}>
        {words.grant.giveBack}
      </Button>
    )
  }
  return (
    <>
      <Button variant="default" loading={isBusy} onClick={() => run()} autoFocus>
        {words.grant.giveBackSure}
      </Button>
      <Button variant="subtle" disabled={isBusy} onClick={() => setSure(false)}>
        {words.grant.keep}
      </Button>
      <Refused error={error} />
    </>
  )
}
