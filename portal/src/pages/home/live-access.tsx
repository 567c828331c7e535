import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { liveGrants, type ToldGrant } from '../../data/queries.ts'
import { Countdown } from '../../parts/countdown.tsx'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Section } from '../../parts/page.tsx'
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
    <Group className="lk-card" justify="space-between">
      <Stack gap={4}>
        {grant.resources.map(({ resourceId, name, permissions }) => (
          <Text key={resourceId}>
            <span className="lk-name">{name}</span> ({permissions.join(', ')})
          </Text>
        ))}
      </Stack>
      {grant.state === 'active' ? <Countdown grant={grant} /> : <GrantState state={grant.state} />}
    </Group>
  )
}
