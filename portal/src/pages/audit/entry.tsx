import { Group, Stack, Text } from '@mantine/core'
import type { AuditEntry } from '../../../../src/contract/audit.ts'
import { Before } from '../../parts/before.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { work as words } from '../../words-for-work.ts'
import { Actor } from './actor.tsx'
import { Subject } from './subject.tsx'

/** One link of the chain. */
export function Entry({ entry }: { readonly entry: AuditEntry }) {
  const { kind, at, actor, subject } = entry
  return (
    <Stack className="lk-row" gap={4}>
      <Group justify="space-between" align="flex-start" gap="xs">
        <code className="lk-name">{kind}</code>
        <Text size="sm" c="dimmed">
          <Moment at={at} />
        </Text>
      </Group>
      <Group gap="xs">
        <Actor id={actor} />
        <Subject id={subject} />
      </Group>
      <More entry={entry} />
    </Stack>
  )
}

/** What else is recorded of it, and its place in the chain. */
export function More({ entry: { seq, hash, data, doneWith, address } }: { readonly entry: AuditEntry }) {
  return (
    <details className="lk-more">
      <summary>{words.audit.more}</summary>
      <Stack gap="xs" mt="xs">
        <Before before={data} />
        <Facts
          facts={{
            [words.audit.doneWith]: doneWith && <code>{doneWith}</code>,
            [words.audit.address]: address && <code>{address}</code>,
            [words.audit.seq]: String(seq),
            [words.audit.hash]: <code>{hash}</code>,
          }}
        />
      </Stack>
    </details>
  )
}
