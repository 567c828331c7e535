import { Stack, Text } from '@mantine/core'
import type { RunView } from '../../../src/contract/runs.ts'
import { work as words } from '../words-for-work.ts'
import { type Mood, Said } from './state.tsx'

const MOODS: Record<RunView['risk']['level'], Mood> = { low: 'calm', medium: 'wait', high: 'bad' }

export function Risk({ risk: { level, reasons } }: { readonly risk: RunView['risk'] }) {
  return (
    <Stack gap={2}>
      <Said mood={MOODS[level]}>{words.risks[level]}</Said>
      {reasons.map((reason) => (
        <bdi key={reason} className="lk-dim">
          {reason}
        </bdi>
      ))}
    </Stack>
  )
}

/** Said before anybody confirms, and for ever after. */
export function Irreversible({ because }: { readonly because?: string | undefined }) {
  return (
    <Text className="lk-warning">
      {words.run.irreversible} {because && <bdi>{because}</bdi>}
    </Text>
  )
}
