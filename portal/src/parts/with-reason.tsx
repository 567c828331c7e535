import { Button, Group, Stack, Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { work as words } from '../words-for-work.ts'
import { useDoing } from './doing.ts'
import { Refused } from './refused.tsx'

interface Given {
  readonly label: string
  readonly yes: string
  /** false: there is nothing to do any more; why a last try was refused is said still */
  readonly isPossible: boolean
  /** false: it may be done without a word */
  readonly needsReason?: boolean
  readonly reasonLabel?: string
  readonly work: (reason: string) => Promise<void>
  /** what else is to be chosen, or known, before it is done */
  readonly children?: ReactNode
}

/** A button for what others will ask about: it opens a form that asks why, and only that form does it. */
export function WithReason({ label, yes, isPossible, needsReason = true, reasonLabel, work, children }: Given) {
  const [isOpen, setIsOpen] = useState(false)
  const [reason, setReason] = useState('')
  const [isLacking, setIsLacking] = useState(false)
  const { run, isBusy, error } = useDoing(async () => {
    await work(reason.trim())
    setIsOpen(false)
    setReason('')
  })
  const send = () => {
    const lacks = needsReason && reason.trim() === ''
    setIsLacking(lacks)
    if (!lacks) run()
  }
  if (!isPossible) return <Refused error={error} />
  if (!isOpen) {
    return (
      <Group>
        <Button variant="default" onClick={() => setIsOpen(true)}>
          {label}
        </Button>
      </Group>
    )
  }
  return (
    <Stack className="lk-card" gap="md">
      {children}
      <Textarea
        label={reasonLabel ?? words.reason}
        description={words.reasonHint}
        error={isLacking && reason.trim() === '' ? words.reasonNeeded : undefined}
        autosize
        minRows={2}
        maxLength={2000}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Refused error={error} />
      <Group>
        <Button loading={isBusy} onClick={({ detail }) => detail < 2 && send()}>
          {yes}
        </Button>
        <Button variant="subtle" disabled={isBusy} onClick={() => setIsOpen(false)}>
          {words.leave}
        </Button>
      </Group>
    </Stack>
  )
}
