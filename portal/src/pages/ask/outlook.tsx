import { List, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type Asked, dryRun } from '../../data/queries.ts'
import { inWords } from '../../parts/duration.ts'
import { Failed } from '../../parts/face.tsx'
import { listed } from '../../parts/people.ts'
import { Plan } from '../../parts/plan.tsx'
import { words } from '../../words.ts'

const PAUSE_MS = 300

/** What would come of it, while it is being typed. Nothing is written for that. */
export function Outlook({ body }: { readonly body: Asked }) {
  // That a reason is missing the form says itself; here is what comes once there is one.
  const asked = JSON.stringify({ ...body, justification: body.justification === '' ? '-' : 'given' })
  const [settled] = useDebouncedValue(asked, PAUSE_MS)
  const hasPermission = (body.resources?.[0]?.permissions.length ?? 0) > 0
  const { data, error, isPlaceholderData, refetch } = useQuery({
    ...dryRun(JSON.parse(settled) as Asked),
    enabled: hasPermission,
  })
  if (!hasPermission) return null
  if (error && !data) return <Failed error={error} again={() => void refetch()} />
  return (
    <Stack className="lk-card" gap="xs" aria-live="polite" aria-busy={isPlaceholderData || settled !== asked} mih="5rem">
      {!data ? (
        <Text c="dimmed">{words.loading}</Text>
      ) : data.allowed ? (
        <>
          <Text fw={600}>
            {data.automatic
              ? words.ask.atOnce(inWords(data.seconds))
              : words.ask.decides(
                  data.stages
                    .map(({ parties }) => parties.map(({ people }) => listed(people)).join(words.request.andAlso))
                    .join(words.request.thenAlso),
                  inWords(data.seconds),
                )}
          </Text>
          <Plan steps={data.steps} />
        </>
      ) : (
        <>
          <Text fw={600}>{words.ask.notAllowed}</Text>
          <List>
            {data.reasons.map((reason) => (
              <List.Item key={reason}>{reason}</List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  )
}
