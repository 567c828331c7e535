import { Button, Group } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { requests } from '../../../../src/contract/endpoints/access.ts'
import { api } from '../../data/api.ts'
import { keys } from '../../data/queries.ts'
import { useDoing } from '../../parts/doing.ts'
import { Refused } from '../../parts/refused.tsx'
import { words } from '../../words.ts'

export function Withdraw({ id, isPossible }: { readonly id: string; readonly isPossible: boolean }) {
  const client = useQueryClient()
  const { run, isBusy, error } = useDoing(async () => {
    await api.call(requests.cancel, { params: { id } })
    await client.invalidateQueries({ queryKey: keys.requests })
  })
  if (!isPossible) return <Refused error={error} />
  return (
    <>
      <Refused error={error} />
      <Group>
        <Button variant="default" loading={isBusy} onClick={() => run()}>
          {words.request.withdraw}
        </Button>
      </Group>
    </>
  )
}
