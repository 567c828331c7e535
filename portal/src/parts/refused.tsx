import { Alert, Stack, Text } from '@mantine/core'
import { refusalOf } from '../data/api.ts'
import { words } from '../words.ts'

/** Beside the button that was pressed: why nothing came of it, and what to do. */
export function Refused({ error, title }: { readonly error: unknown; readonly title?: string }) {
  if (error === undefined) return null
  const { message, fix, requestId } = refusalOf(error)
  return (
    <Alert role="alert" variant="default" title={title ?? message} className="lk-refused">
      <Stack gap={4}>
        {title && <Text>{message}</Text>}
        {fix && <Text>{fix}</Text>}
        {requestId && (
          <Text c="dimmed" size="sm">
            {words.failed.requestId(requestId)}
          </Text>
        )}
      </Stack>
    </Alert>
  )
}
