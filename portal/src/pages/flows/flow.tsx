import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { flows } from '../../../../src/contract/endpoints/access.ts'
import type { FlowView } from '../../../../src/contract/flows.ts'
import { api } from '../../data/api.ts'
import { flow, flowKeys } from '../../data/flows.ts'
import { catalogEntries, setupKeys } from '../../data/setup.ts'
import { connected } from '../../data/work.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { useDoing } from '../../parts/doing.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { ButtonLink, TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { useRole } from '../../parts/role.ts'
import { Sure } from '../../parts/sure.tsx'
import { flows as words } from '../../words-for-flows.ts'
import { setup } from '../../words-for-setup.ts'
import { FlowState } from './flow-state.tsx'
import { RuleFacts } from './rule-facts.tsx'
import { Simulator } from './simulator.tsx'
import { Waiting } from './waiting.tsx'

/** One access flow: what it says, who could get what under it, and the switch. */
export function FlowPage() {
  const { id } = useParams({ from: '/access-flows/$id' })
  const mayChange = useRole('admin', 'owner')
  const { data, error, refetch } = useQuery(flow(id))
  const { data: integrations } = useQuery(connected())
  const { data: plugins } = useQuery(catalogEntries())
  if (!data) {
    return <Page title={words.flow}>{error ? <Failed error={error} again={() => void refetch()} /> : <Loading />}</Page>
  }
  const integration = integrations?.find((one) => one.id === data.integrationId)
  const plugin = plugins?.find((one) => one.id === integration?.plugin)
  return (
    <Page title={data.name} beside={<FlowState active={data.active} />}>
      <Waiting of={id} />
      <Stack className="lk-card" gap="sm">
        <Facts
          facts={{
            [words.integration]: integration ? (
              <TextLink to="/integrations/$id" params={{ id: integration.id }}>
                <bdi>{integration.name}</bdi>
              </TextLink>
            ) : (
              integrations && words.gone
            ),
            [words.rule.version]: String(data.version),
            [words.rule.made]: <Moment at={data.createdAt} />,
            [words.rule.changed]: data.changedAt !== data.createdAt && <Moment at={data.changedAt} />,
          }}
        />
        <History id={id} />
      </Stack>
      <Section title={words.rule.title}>
        <RuleFacts rule={data.rule} plugin={plugin} />
        <details className="lk-more">
          <summary>{words.rule.json}</summary>
          <Copyable text={JSON.stringify(data.rule, null, 2)} label={words.rule.json} />
        </details>
      </Section>
      {mayChange && <Doing flow={data} />}
      <Simulator flow={data} plugin={plugin} />
    </Page>
  )
}

/** The versions are told by the audit trail, to those who may read it. */
function History({ id }: { readonly id: string }) {
  const maySee = useRole('admin', 'auditor')
  if (!maySee) return null
  return (
    <TextLink to="/audit" search={{ subject: id }}>
      {words.rule.trail}
    </TextLink>
  )
}

function Doing({ flow: { id, active } }: { readonly flow: FlowView }) {
  const client = useQueryClient()
  const turn = (to: boolean) => async () => {
    try {
      client.setQueryData(flow(id).queryKey, await api.call(flows.change, { params: { id }, body: { active: to } }))
    } finally {
      await client.invalidateQueries({ queryKey: flowKeys.flows })
      await client.invalidateQueries({ queryKey: setupKeys.proposals })
    }
  }
  const switchingOn = useDoing(turn(true))
  return (
    <Stack gap="xs">
      <Text c="dimmed">{words.switchOffHint}</Text>
      <Group>
        <ButtonLink to="/access-flows/$id/change" params={{ id }}>
          {words.change}
        </ButtonLink>
        {active ? (
          <Sure label={words.switchOff} yes={words.switchOffYes} no={setup.leave} work={turn(false)} />
        ) : (
          <Button variant="default" loading={switchingOn.isBusy} onClick={switchingOn.run}>
            {words.switchOn}
          </Button>
        )}
      </Group>
      <Refused error={switchingOn.error} />
    </Stack>
  )
}
