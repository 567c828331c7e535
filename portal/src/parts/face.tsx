import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { refusalOf } from '../data/api.ts'
import { signInAddress } from '../data/session.ts'
import { words } from '../words.ts'

const LINES = ['first', 'second', 'third']

/** While the first answer is awaited. */
export function Loading({ lines = 3 }: { readonly lines?: number }) {
  return (
    <Stack gap="sm" role="status" aria-label={words.loading}>
      {LINES.slice(0, lines).map((line) => (
        <Skeleton key={line} height={56} radius="md" />
      ))}
    </Stack>
  )
}

/** A list without anything in it says what to do about that. */
export function Empty({ children }: { readonly children: ReactNode }) {
  return <Text c="dimmed">{children}</Text>
}

/** What went wrong, the way out, and what to tell an admin. */
export function Failed({ error, again }: { readonly error: unknown; readonly again?: (() => void) | undefined }) {
  const { message, fix, requestId, kind } = refusalOf(error)
  return (
    <Stack gap="xs" className="lk-card" role="alert" align="flex-start">
      <Title order={2}>{kind === 'missing' ? words.failed.missing : words.failed.title}</Title>
      {kind !== 'missing' && <Text>{message}</Text>}
      {fix && <Text c="dimmed">{fix}</Text>}
      {requestId && (
        <Text c="dimmed" size="sm">
          {words.failed.requestId(requestId)}
        </Text>
      )}
      <Group mt="xs">
        {kind === 'signed-out' ? (
          <Button component="a" href={signInAddress()}>
            {words.session.signIn}
          </Button>
        ) : (
          again && (
            <Button variant="default" onClick={again}>
              {words.failed.again}
            </Button>
          )
        )}
      </Group>
    </Stack>
  )
}
