import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { liveGrants, type ToldGrant } from '../../data/queries.ts'
import { Countdown } from '../../parts/countdown.tsx'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { GiveBack } from '../../parts/give-back.tsx'
import { ButtonLink } from '../../parts/link.tsx'
import { Section } from '../../parts/page.tsx'
import { Resources } from '../../parts/resources.tsx'
import { GrantState } from '../../parts/state.tsx'
import { words } from '../../words.ts'

/** What somebody can reach now, and for how long. */
export function LiveAccess() {
  const { data, error, refetch } = useQuery(liveGrants())
  return (
    <Section title={words.home.live}>
      {data ? (
        data.length === 0 ? (
          <Empty>{words.home.noLive}</Empty>
        ) : (
          data.map((grant) => <Live key={grant.id} grant={grant} />)
        )
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Loading lines={1} />
      )}
    </Section>
  )
}

function Live({ grant }: { readonly grant: ToldGrant }) {
  return (
    <Stack className="lk-card" gap="sm">
      <Group justify="space-between" align="flex-start" gap="xs">
        <Resources resources={grant.resources} />
        <Group gap="md">
          {grant.state === 'active' && <Countdown grant={grant} />}
          <GrantState state={grant.state} />
        </Group>
      </Group>
      {grant.problem && <Text c="dimmed">{grant.problem.message}</Text>}
      <Group gap="sm">
        <ButtonLink to="/grants/$id" params={{ id: grant.id }} variant={grant.state === 'active' ? 'light' : 'default'}>
          {grant.state === 'active' ? words.home.use : words.home.look}
        </ButtonLink>
        {grant.state === 'active' && <GiveBack id={grant.id} />}
      </Group>
    </Stack>
  )
}
