import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DistributionOutlook, DistributionView } from '../../../../src/contract/distributions.ts'
import { distributions } from '../../../../src/contract/endpoints/distributions.ts'
import { api } from '../../data/api.ts'
import { distributionWayBack, workKeys } from '../../data/work.ts'
import { Failed } from '../../parts/face.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Said } from '../../parts/state.tsx'
import { WithReason } from '../../parts/with-reason.tsx'
import { work as words } from '../../words-for-work.ts'

/** Whether each target can be put back as things stand there now, and the button that does it, for all of them or for some. */
export function TakeBack({ distribution: { id, targets } }: { readonly distribution: DistributionView }) {
  const client = useQueryClient()
  const [isAsked, setIsAsked] = useState(false)
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const isPossible = targets.some(({ undoable }) => undoable)
  const { data, error, refetch } = useQuery({ ...distributionWayBack(id), enabled: isAsked && isPossible })
  const chosen = (data ?? []).filter(({ targetId, possible }) => possible && !left.has(targetId))
  const rollBack = async (reason: string) => {
    const targetIds = chosen.map(({ targetId }) => targetId)
    await api.call(distributions.rollBack, { params: { id }, body: { reason, targetIds } })
    await client.invalidateQueries({ queryKey: workKeys.distributions })
  }
  const take = (
    <WithReason
      label={words.distributions.back}
      yes={words.distributions.backYes}
      isPossible={isPossible && chosen.length > 0}
      work={rollBack}
    />
  )
  if (!isPossible || !isAsked) {
    return (
      <>
        {isPossible && (
          <Group>
            <Button variant="default" onClick={() => setIsAsked(true)}>
              {words.distributions.ask}
            </Button>
          </Group>
        )}
        {take}
      </>
    )
  }
  return (
    <Stack gap="sm">
      {data ? (
        <Checkbox.Group
          label={words.distributions.chosen}
          value={chosen.map(({ targetId }) => targetId)}
          onChange={(kept) => setLeft(new Set(data.map(({ targetId }) => targetId).filter((one) => !kept.includes(one))))}
        >
          <Stack gap="sm" mt="xs">
            {data.map((outlook) => (
              <Outlook key={outlook.targetId} outlook={outlook} />
            ))}
          </Stack>
        </Checkbox.Group>
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Text role="status" c="dimmed">
          {words.distributions.asking}
        </Text>
      )}
      {data && chosen.length === 0 && <Text c="dimmed">{words.distributions.chooseOne}</Text>}
      {take}
    </Stack>
  )
}

function Outlook({ outlook }: { readonly outlook: DistributionOutlook['items'][number] }) {
  const { targetId, name, possible, because, until, restores, warnings } = outlook
  return (
    <Stack gap={2} className="lk-row">
      <Checkbox value={targetId} label={<bdi className="lk-name">{name}</bdi>} disabled={!possible} />
      {!possible && <Text size="sm">{words.distributions.cannot}</Text>}
      {because && <bdi className="lk-text">{because}</bdi>}
      {restores.map(({ target, summary }) => (
        <bdi key={target}>{summary}</bdi>
      ))}
      {warnings.map((warning) => (
        <Said key={warning} mood="bad">
          {warning}
        </Said>
      ))}
      {until && (
        <Text size="sm" c="dimmed">
          {words.run.until}: <Moment at={until} />
        </Text>
      )}
    </Stack>
  )
}
