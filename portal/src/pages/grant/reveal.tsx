import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { grants } from '../../../../src/contract/endpoints/grants.ts'
import type { CredentialView } from '../../../../src/contract/grants.ts'
import { api } from '../../data/api.ts'
import { keys, opening } from '../../data/queries.ts'
import { useDoing } from '../../parts/doing.ts'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { words } from '../../words.ts'
import { Credential } from './credential.tsx'
import { Report } from './report.tsx'

/** The credential, shown once. It is held by this component alone and goes with it: no store, no address and no history has it. */
export function Reveal({ id, isPossible }: { readonly id: string; readonly isPossible: boolean }) {
  const client = useQueryClient()
  const { data: opened } = useQuery({ ...opening(id), enabled: isPossible })
  const [credential, setCredential] = useState<CredentialView>()
  const { run, isBusy, error } = useDoing(async () => {
    setCredential(await api.call(grants.open, { params: { id } }))
    await client.invalidateQueries({ queryKey: [...keys.grants, id, 'opening'] })
  })
  useEffect(() => {
    // A browser may keep a page that was left, to show it again at the press of its back button.
    const forget = () => setCredential(undefined)
    window.addEventListener('pagehide', forget)
    return () => window.removeEventListener('pagehide', forget)
  }, [])
  if (!isPossible) return <Refused error={error} />
  if (credential) return <Credential credential={credential} />
  return (
    <Section title={words.reveal.title}>
      <Stack className="lk-card" gap="md">
        <Text>{words.reveal.once}</Text>
        {opened && (
          <Stack gap={4}>
            <Text>
              {words.reveal.openedBefore} <Moment at={opened.openedAt} />. {words.reveal.states[opened.state]}
            </Text>
            <Text c="dimmed">{words.reveal.replaces}</Text>
          </Stack>
        )}
        <Refused error={error} />
        <Group>
          <Button size="md" loading={isBusy} onClick={() => run()}>
            {opened ? words.reveal.openAgain : words.reveal.open}
          </Button>
          {opened && <Report id={id} />}
        </Group>
      </Stack>
    </Section>
  )
}
