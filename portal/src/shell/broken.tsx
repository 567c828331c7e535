import { Button, Stack, Text, Title } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { TextLink } from '../parts/link.tsx'
import { words } from '../words.ts'

/** A page that met a fault of its own, or whose part is not there any more because the daemon was updated meanwhile. */
export function Broken({ error }: ErrorComponentProps) {
  const outdated = /dynamically imported module|Importing a module script/i.test(String(error))
  return (
    <Stack className="lk-card" gap="xs" role="alert" align="flex-start">
      <Title order={1}>{outdated ? words.failed.outdated : words.failed.title}</Title>
      <Text>{outdated ? words.failed.outdatedFix : words.failed.unknown}</Text>
      <Button mt="xs" onClick={() => window.location.reload()}>
        {words.failed.reloadNow}
      </Button>
    </Stack>
  )
}

export function Missing() {
  return (
    <Stack className="lk-card" gap="xs" align="flex-start">
      <Title order={1}>{words.failed.missing}</Title>
      <TextLink to="/">{words.failed.home}</TextLink>
    </Stack>
  )
}
