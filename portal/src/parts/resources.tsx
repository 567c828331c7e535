import { Stack, Text } from '@mantine/core'

interface Asked {
  readonly resourceId: string
  readonly name: string
  readonly permissions: readonly string[]
}

/** What access is to, a line each. Names are whatever somebody called them elsewhere: text, in a direction of their own. */
export function Resources({ resources }: { readonly resources: readonly Asked[] }) {
  return (
    <Stack gap={2}>
      {resources.map(({ resourceId, name, permissions }) => (
        <Text key={resourceId}>
          <bdi className="lk-name">{name}</bdi> <span className="lk-dim">{permissions.join(', ')}</span>
        </Text>
      ))}
    </Stack>
  )
}
