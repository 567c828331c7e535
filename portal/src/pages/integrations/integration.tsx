import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { integrations } from '../../../../src/contract/endpoints/integrations.ts'
import type { IntegrationView } from '../../../../src/contract/integrations.ts'
import { api, refusalOf } from '../../data/api.ts'
import { integration, setupKeys } from '../../data/setup.ts'
import { Before } from '../../parts/before.tsx'
import { useDoing } from '../../parts/doing.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { useRole } from '../../parts/role.ts'
import { Sure } from '../../parts/sure.tsx'
import { setup as words } from '../../words-for-setup.ts'
import { Discovered } from './discovered.tsx'
import { Checks } from './health.tsx'
import { IntegrationState } from './integrations.tsx'
import { SetUpCommands } from './set-up-commands.tsx'

/** One connected system: how it is and what to do about it, what was found in it, how it is set. */
export function IntegrationPage() {
  const { id } = useParams({ from: '/integrations/$id' })
  const isAdmin = useRole('admin')
  const { data, error, refetch } = useQuery(integration(id))
  if (!data) {
    const face = error ? <Failed error={error} again={() => void refetch()} /> : <Loading />
    return <Page title={words.integrations.nameless}>{face}</Page>
  }
  return (
    <Page title={data.name} beside={<IntegrationState integration={data} />}>
      <IntegrationFacts integration={data} />
      <Health integration={data} />
      <Discovered id={id} />
      <TextLink to="/access-flows" search={{ integration: id }}>
        {words.integration.flows}
      </TextLink>
      <Section title={words.integration.settings}>
        <Before before={withoutMarks(data.config)} />
      </Section>
      {isAdmin && (
        <>
          <SetUpCommands
            title={words.integration.policy}
            show={words.integration.policyShow}
            ask={() => api.call(integrations.minimumPolicy, { params: { id } })}
          />
          <Doing integration={data} />
        </>
      )}
    </Page>
  )
}

function IntegrationFacts({ integration: told }: { readonly integration: IntegrationView }) {
  const { plugin, createdAt, changedAt, accessDetails, session, guarantees } = told
  return (
    <Stack className="lk-card" gap="sm">
      <Facts
        facts={{
          [words.integration.plugin]: plugin,
          [words.integration.details]: accessDetails && <bdi className="lk-text">{accessDetails}</bdi>,
          [words.integration.since]: <Moment at={createdAt} />,
          [words.integration.changed]: changedAt !== createdAt && <Moment at={changedAt} />,
          [words.integration.session]: session && <bdi className="lk-text">{session.detail}</bdi>,
          [words.integration.sessionEnds]: session?.endsAt && <Moment at={session.endsAt} />,
          [words.integration.guarantees]:
            guarantees &&
            Object.entries(guarantees)
              .map(([delivery, by]) => `${delivery}: ${words.integration.guaranteedBy[by]}`)
              .join('; '),
        }}
      />
    </Stack>
  )
}

function Health({ integration: { id, health } }: { readonly integration: IntegrationView }) {
  const client = useQueryClient()
  const isAdmin = useRole('admin')
  const { run, isBusy, error } = useDoing(async () => {
    await api.call(integrations.check, { params: { id } })
    await client.invalidateQueries({ queryKey: setupKeys.integrations })
  })
  return (
    <Section title={words.integration.health}>
      {health ? <Checks checks={health.checks} /> : <Empty>{words.integrations.unchecked}</Empty>}
      {health && (
        <Text size="sm" c="dimmed">
          {words.integration.checkedAt} <Moment at={health.at} />
        </Text>
      )}
      <Refused error={error} />
      {isAdmin && (
        <Group>
          <Button variant="default" loading={isBusy} onClick={run}>
            {words.integration.check}
          </Button>
        </Group>
      )}
    </Section>
  )
}

function Doing({ integration: { id, state } }: { readonly integration: IntegrationView }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const turn = (how: 'pause' | 'resume') => async () => {
    client.setQueryData(integration(id).queryKey, await api.call(integrations[how], { params: { id } }))
    await client.invalidateQueries({ queryKey: setupKeys.integrations })
  }
  const resuming = useDoing(turn('resume'))
  const [leaves, setLeaves] = useState(false)
  const remove = (force: boolean) => async () => {
    await api.call(integrations.remove, { params: { id }, query: { force } }).catch((error: unknown) => {
      setLeaves(refusalOf(error).field === 'force')
      throw error
    })
    await navigate({ to: '/integrations' })
    await client.invalidateQueries({ queryKey: setupKeys.integrations })
  }
  return (
    <Stack gap="xs">
      <Text c="dimmed">{words.integration.pauseHint}</Text>
      <Group>
        {state === 'paused' ? (
          <Button variant="default" loading={resuming.isBusy} onClick={resuming.run}>
            {words.integration.resume}
          </Button>
        ) : (
          <Sure label={words.integration.pause} yes={words.integration.pauseYes} no={words.leave} work={turn('pause')} />
        )}
        <Sure label={words.integration.remove} yes={words.integration.removeYes} no={words.leave} work={remove(false)} />
        <Sure
          label={words.integration.removeLeaving}
          yes={words.integration.removeLeavingYes}
          no={words.leave}
          isPossible={leaves}
          work={remove(true)}
        />
      </Group>
      <Refused error={resuming.error} />
    </Stack>
  )
}

/** Where a secret is kept the broker says only that there is one. */
function withoutMarks(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutMarks)
  if (typeof config !== 'object' || config === null) return config
  const entries = Object.entries(config)
  if (entries.length === 1 && entries[0]?.[0] === 'set' && entries[0][1] === true) return words.integration.secret
  return Object.fromEntries(entries.map(([name, value]) => [name, withoutMarks(value)]))
}
