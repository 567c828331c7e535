import { Stack, Text } from '@mantine/core'
import type { RevocationReceipt } from '../../../../src/contract/grants.ts'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { words } from '../../words.ts'

/** Piece by piece: what was looked for, what the other system answered, and under which id it has the call in its own log. */
export function Evidence({ receipt: { evidence, beyond = [], writtenOff } }: { readonly receipt: RevocationReceipt }) {
  return (
    <Stack gap="sm">
      {writtenOff && <Text fw={600}>{words.receipt.writtenOff(writtenOff.by.name, writtenOff.reason)}</Text>}
      {evidence.map(({ artefact, gone, observed, requestId, requestIdBy, at, mayStay }) => (
        <Stack key={artefact} className="lk-row" gap={4}>
          <span className="lk-state" data-mood={gone ? 'good' : 'bad'}>
            {gone ? words.receipt.gone : words.receipt.there}
          </span>
          <bdi className="lk-name">{artefact}</bdi>
          <Facts
            facts={{
              [words.receipt.observed]: observed,
              [words.receipt.mayStay]: mayStay,
              [requestIdBy === 'target' ? words.receipt.targetsId : words.receipt.ourId]: requestId && <code>{requestId}</code>,
              [words.receipt.at]: <Moment at={at} />,
            }}
          />
        </Stack>
      ))}
      {beyond.length > 0 && (
        <Text size="sm" c="dimmed">
          {words.receipt.beyond} {beyond.join(' ')}
        </Text>
      )}
    </Stack>
  )
}
