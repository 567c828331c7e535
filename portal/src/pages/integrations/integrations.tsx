import { Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { IntegrationView } from '../../../../src/contract/integrations.ts'
import { integrationList } from '../../data/setup.ts'
import { ButtonLink, TextLink } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { useRole } from '../../parts/role.ts'
import { SetupNav } from '../../parts/setup-nav.tsx'
import { Said } from '../../parts/state.tsx'
import { setup as words } from '../../words-for-setup.ts'
import { Ailments } from './health.tsx'

/** The systems that are connected, and how each of them is. */
export function Integrations() {
  const query = useInfiniteQuery(integrationList())
  const isAdmin = useRole('admin')
  return (
    <Page
      title={words.integrations.title}
      beside={
        isAdmin && (
          <ButtonLink to="/integrations/new" search={{ plugin: '' }}>
            {words.integrations.connect}
          </ButtonLink>
        )
      }
    >
      <SetupNav />
      <Paged query={query} empty={words.integrations.none}>
        {(integration) => (
          <Group key={integration.id} className="lk-row" justify="space-between" align="flex-start" gap="xs">
            <Stack gap={2} flex={1} miw="12rem">
              <TextLink to="/integrations/$id" params={{ id: integration.id }}>
                <bdi>{integration.name}</bdi>
              </TextLink>
              <Text size="sm" c="dimmed">
                {integration.plugin}
              </Text>
              <Ailments health={integration.health} />
            </Stack>
            <IntegrationState integration={integration} />
          </Group>
        )}
      </Paged>
    </Page>
  )
}

/** Paused says more than how it is: nobody gets new access there. */
export function IntegrationState({ integration: { state, health } }: { readonly integration: IntegrationView }) {
  if (state === 'paused') return <Said mood="wait">{words.integrations.states.paused}</Said>
  if (health === null) return <Said mood="calm">{words.integrations.unchecked}</Said>
  return health.healthy ? (
    <Said mood="good">{words.integrations.healthy}</Said>
  ) : (
    <Said mood="bad">{words.integrations.ailing}</Said>
  )
}
