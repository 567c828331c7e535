import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { discovery } from '../../../../src/contract/endpoints/integrations.ts'
import type { DiscoveryRunView } from '../../../../src/contract/integrations.ts'
import { api } from '../../data/api.ts'
import { lastSync, setupKeys } from '../../data/setup.ts'
import { useDoing } from '../../parts/doing.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { useRole } from '../../parts/role.ts'
import { type Mood, Said } from '../../parts/state.tsx'
import { setup as words } from '../../words-for-setup.ts'

const MOODS: Record<DiscoveryRunView['state'], Mood> = { running: 'wait', completed: 'good', incomplete: 'bad', failed: 'bad' }

/** What was found there, while it is looked for and afterwards, with all that could not be read. */
export function Discovered({ id }: { readonly id: string }) {
  const { data, error, refetch } = useQuery(lastSync(id))
  return (
    <Section title={words.integration.discovery}>
      {data === undefined ? (
        error ? (
          <Failed error={error} again={() => void refetch()} />
        ) : (
          <Loading lines={1} />
        )
      ) : data === null ? (
        <Empty>{words.integration.neverFound}</Empty>
      ) : (
        <Found run={data} />
      )}
      <LookThrough id={id} isRunning={data?.state === 'running'} />
    </Section>
  )
}

function Found({ run }: { readonly run: DiscoveryRunView }) {
  const { state, phase, folders, found, added, changed, gone, returned, startedAt, endedAt, error, unreadable, notices } = run
  return (
    <Stack className="lk-card" gap="sm">
      <Said mood={MOODS[state]}>{state === 'running' ? words.integration.phases[phase] : words.integration.runs[state]}</Said>
      <Facts
        facts={{
          [words.integration.found]: String(found),
          [words.integration.folders]: String(folders),
          [words.integration.news]: words.integration.newsOf(added, changed, gone, returned),
          [words.integration.began]: <Moment at={startedAt} />,
          [words.integration.ended]: endedAt && <Moment at={endedAt} />,
        }}
      />
      {error && <bdi className="lk-text">{[error.message, error.fix].filter(Boolean).join('. ')}</bdi>}
      <Told title={words.integration.unreadable} lines={unreadable.map(({ folder, reason }) => `${folder}: ${reason}`)} />
      <Told title={words.integration.notices} lines={notices} />
    </Stack>
  )
}

function Told({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <div>
      <Text fw={600}>{title}</Text>
      <ul className="lk-list">
        {lines.map((line) => (
          <li key={line}>
            <bdi className="lk-text">{line}</bdi>
          </li>
        ))}
      </ul>
    </div>
  )
}

function LookThrough({ id, isRunning }: { readonly id: string; readonly isRunning: boolean }) {
  const client = useQueryClient()
  const mayLook = useRole('admin', 'owner')
  const { run, isBusy, error } = useDoing(async () => {
    client.setQueryData(lastSync(id).queryKey, await api.call(discovery.start, { params: { id } }))
    await client.invalidateQueries({ queryKey: setupKeys.integrations })
  })
  if (!mayLook) return null
  return (
    <>
      <Refused error={error} />
      <Group>
        <Button variant="default" loading={isBusy} disabled={isRunning} onClick={run}>
          {isRunning ? words.integration.syncing : words.integration.sync}
        </Button>
      </Group>
    </>
  )
}
