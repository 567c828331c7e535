import { Alert, Stack, Text } from '@mantine/core'
import { ChangeHeld } from '../../../src/api-client/api-client.ts'
import { refusalOf } from '../data/api.ts'
import { words } from '../words.ts'
import { TextLink } from './link.tsx'

/** Beside the button that was pressed: why nothing came of it, and what to do. */
export function Refused({ error, title }: { readonly error: unknown; readonly title?: string }) {
  if (error === undefined) return null
  if (error instanceof ChangeHeld) return <Held id={error.proposal.id} />
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

/** Nothing was refused: the change is proposed, and made once somebody else accepts it. */
function Held({ id }: { readonly id: string }) {
  return (
    <Alert role="alert" variant="default" title={words.held.title}>
      <TextLink to="/proposals/$id" params={{ id }}>
        {words.held.see}
      </TextLink>
    </Alert>
  )
}
