import { Button, Group, Stack, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { RunPreview } from '../../../../src/contract/runs.ts'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { Irreversible, Risk } from '../../parts/risk.tsx'
import { Steps } from '../../parts/steps.tsx'
import { work as words } from '../../words-for-work.ts'

interface Given {
  readonly preview: RunPreview
  readonly reason: string
  readonly say: (reason: string) => void
  readonly isBusy: boolean
  readonly error: unknown
  readonly order: (confirm: string | undefined) => void
}

/** What it would do, and the word of a person that it be done: a reason, and a name where there is no way back. */
export function Confirming({ preview, reason, say, isBusy, error, order }: Given) {
  const [typed, setTyped] = useState('')
  const { confirm, reversible, irreversible, risk, steps } = preview
  const isWhole = reason.trim() !== '' && (confirm === null || typed === confirm)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isWhole) order(confirm === null ? undefined : typed)
  }
  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack gap="lg">
        <Section title={words.order.previewTitle}>
          <Risk risk={risk} />
          {!reversible && <Irreversible because={irreversible} />}
          <Steps steps={steps} none={words.order.none} />
        </Section>
        <Textarea
          label={words.reason}
          description={words.reasonHint}
          required
          withAsterisk={false}
          autosize
          minRows={2}
          maxLength={2000}
          value={reason}
          onChange={(event) => say(event.currentTarget.value)}
        />
        {confirm !== null && (
          <TextInput
            label={words.order.confirm(confirm)}
            value={typed}
            autoComplete="off"
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <Refused error={error} />
        <Group>
          <Button type="submit" size="md" loading={isBusy} disabled={!isWhole}>
            {words.order.run}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
