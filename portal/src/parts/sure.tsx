import { Button, type ButtonProps } from '@mantine/core'
import { useState } from 'react'
import { useDoing } from './doing.ts'
import { Refused } from './refused.tsx'

interface Given {
  readonly label: string
  readonly yes: string
  readonly no: string
  readonly size?: ButtonProps['size']
  /** false: there is nothing to do any more; why a last try was refused is said still */
  readonly isPossible?: boolean
  readonly work: () => Promise<void>
}

/** A button for what cannot be taken back: it asks once more, and the second press of a double click does not answer. */
export function Sure({ label, yes, no, size, isPossible = true, work }: Given) {
  const [asks, setAsks] = useState(false)
  const { run, isBusy, error } = useDoing(work)
  if (!isPossible) return <Refused error={error} />
  if (!asks) {
    return (
      <Button variant="default" size={size} onClick={() => setAsks(true)}>
        {label}
      </Button>
    )
  }
  return (
    <>
      <Button variant="default" size={size} loading={isBusy} onClick={({ detail }) => detail < 2 && run()} autoFocus>
        {yes}
      </Button>
      <Button variant="subtle" size={size} disabled={isBusy} onClick={() => setAsks(false)}>
        {no}
      </Button>
      <Refused error={error} />
    </>
  )
}
