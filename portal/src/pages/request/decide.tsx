import { Button, Chip, Group, Stack, Text, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { requests } from '../../../../src/contract/endpoints/access.ts'
import type { RequestView } from '../../../../src/contract/requests.ts'
import { api } from '../../data/api.ts'
import { request as asked, keys } from '../../data/queries.ts'
import { useDoing } from '../../parts/doing.ts'
import { useDraft } from '../../parts/draft.ts'
import { inWords } from '../../parts/duration.ts'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { words } from '../../words.ts'

interface Deciding {
  readonly reason: string
  readonly seconds: number
}

const SHORTER = [900, 1_800, 3_600, 14_400, 28_800, 86_400]

interface Given {
  readonly request: RequestView
  /** false: nothing is to be decided by this person any more */
  readonly isPossible: boolean
}

/** Yes, yes for a shorter time, or no with its reason. */
export function Decide({ request: { id, seconds: wanted, action }, isPossible }: Given) {
  const client = useQueryClient()
  const [{ reason, seconds }, change, forget] = useDraft<Deciding>(`decide:${id}`, () => ({ reason: '', seconds: wanted }))
  const [lacksReason, setLacksReason] = useState(false)
  const { run, isBusy, error } = useDoing(async (decision: 'approve' | 'reject') => {
    const shorter = decision === 'approve' && !action && seconds < wanted ? { seconds } : {}
    const decided = await api.call(requests.decide, { params: { id }, body: { decision, reason: reason.trim(), ...shorter } })
    forget()
    client.setQueryData(asked(id).queryKey, decided)
    await client.invalidateQueries({ queryKey: keys.requests })
  })
  const reject = () => {
    setLacksReason(reason.trim() === '')
    if (reason.trim() !== '') run('reject')
  }
  if (!isPossible) return <Refused error={error} />
  return (
    <Section title={words.decide.title}>
      <Stack className="lk-card" gap="lg">
        {!action && (
          <Stack gap="xs" component="fieldset" className="lk-fieldset">
            <legend>{words.decide.howLong}</legend>
            <Chip.Group value={String(seconds)} onChange={(chosen) => change({ seconds: Number(chosen) })}>
              <Group gap="xs">
                {[...SHORTER.filter((one) => one < wanted), wanted].map((one) => (
                  <Chip key={one} value={String(one)} variant="outline">
                    {inWords(one)}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
          </Stack>
        )}
        <Textarea
          label={words.decide.reason}
          description={words.decide.reasonHint}
          error={lacksReason && reason.trim() === '' ? words.decide.reasonNeeded : undefined}
          autosize
          minRows={2}
          maxLength={2000}
          value={reason}
          onChange={(event) => change({ reason: event.currentTarget.value })}
        />
        <Refused error={error} />
        <Group>
          <Button size="md" loading={isBusy} onClick={() => run('approve')}>
            {words.decide.approve}
          </Button>
          <Button size="md" variant="default" disabled={isBusy} onClick={reject}>
            {words.decide.reject}
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {words.decide.asked}
        </Text>
      </Stack>
    </Section>
  )
}
