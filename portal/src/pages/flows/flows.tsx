import { Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { FlowView } from '../../../../src/contract/flows.ts'
import { flowList } from '../../data/flows.ts'
import { connected } from '../../data/work.ts'
import { ButtonLink, TextLink } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { useRole } from '../../parts/role.ts'
import { SetupNav } from '../../parts/setup-nav.tsx'
import { flows as words } from '../../words-for-flows.ts'
import { FlowState } from './flow-state.tsx'
import { useNames } from './names.ts'
import { inShort, namedIn } from './sentences.ts'
import { Waiting } from './waiting.tsx'

/** Who may ask for what, a flow a row. Of which integration stands in the address. */
export function Flows() {
  const { integration } = useSearch({ from: '/access-flows' })
  const navigate = useNavigate()
  const query = useInfiniteQuery(flowList(integration || undefined))
  const { data: integrations } = useQuery(connected())
  const mayMake = useRole('admin', 'owner')
  const named = (id: string) => (integrations ? (integrations.find((one) => one.id === id)?.name ?? words.gone) : '')
  return (
    <Page
      title={words.title}
      beside={
        mayMake && (
          <ButtonLink to="/access-flows/new" search={{ integration }}>
            {words.make}
          </ButtonLink>
        )
      }
    >
      <SetupNav />
      <NativeSelect
        label={words.integration}
        value={integration}
        onChange={({ currentTarget }) =>
          void navigate({ to: '/access-flows', search: { integration: currentTarget.value }, replace: true })
        }
        data={[{ value: '', label: words.all }, ...(integrations ?? []).map(({ id, name }) => ({ value: id, label: name }))]}
        maw="20rem"
      />
      <Waiting />
      <Paged query={query} empty={integration ? words.noneSuch : words.none}>
        {(flow) => <Row key={flow.id} flow={flow} integration={named(flow.integrationId)} />}
      </Paged>
    </Page>
  )
}

function Row({ flow, integration }: { readonly flow: FlowView; readonly integration: string }) {
  const nameOf = useNames(namedIn(flow.rule))
  return (
    <Group className="lk-row" justify="space-between" align="flex-start" gap="xs">
      <Stack gap={2} flex={1} miw="12rem">
        <TextLink to="/access-flows/$id" params={{ id: flow.id }}>
          <bdi>{flow.name}</bdi>
        </TextLink>
        <Text>
          <bdi>{inShort(flow, nameOf)}</bdi>
        </Text>
        <Text size="sm" c="dimmed">
          <bdi>{integration}</bdi>
        </Text>
      </Stack>
      <FlowState active={flow.active} />
    </Group>
  )
}
