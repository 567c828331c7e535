import { List, Stack, Text } from '@mantine/core'
import type { RequestView } from '../../../src/contract/requests.ts'
import { words } from '../words.ts'

/** What would be done in the other system: a sentence for each step, and to the letter for who wants to read that. */
export function Plan({ steps }: { readonly steps: RequestView['steps'] }) {
  if (steps.length === 0) return <Text c="dimmed">{words.plan.none}</Text>
  return (
    <Stack gap="sm">
      <List spacing={4}>
        {steps.map(({ target, summary }) => (
          <List.Item key={target}>{summary}</List.Item>
        ))}
      </List>
      <details className="lk-more">
        <summary>{words.plan.exactly}</summary>
        <Stack gap="sm" mt="sm">
          {steps.map(({ target, args }) => (
            <div key={target}>
              <Text size="sm" fw={600}>
                {target}
              </Text>
              <pre className="lk-code">{JSON.stringify(args, null, 2)}</pre>
            </div>
          ))}
        </Stack>
      </details>
    </Stack>
  )
}
