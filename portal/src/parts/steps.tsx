import { Stack, Text } from '@mantine/core'
import { work as words } from '../words-for-work.ts'
import { Before } from './before.tsx'
import { type Mood, Said } from './state.tsx'

interface ShownStep {
  readonly target: string
  readonly summary: string
  readonly args: unknown
  readonly before: unknown
  readonly state?: keyof typeof words.stepStates
}

const MOODS: Record<keyof typeof words.stepStates, Mood> = {
  planned: 'calm',
  executing: 'wait',
  executed: 'good',
  undoing: 'wait',
  undone: 'calm',
}

/** Steps of an action, done or to be done: each a sentence, what was there before, and to the letter for who wants to read that. */
export function Steps({ steps, none }: { readonly steps: readonly ShownStep[]; readonly none: string }) {
  if (steps.length === 0) return <Text c="dimmed">{none}</Text>
  return (
    <Stack gap="sm" component="ol" className="lk-list">
      {steps.map(({ target, summary, args, before, state }) => (
        <Stack key={`${target} ${summary}`} component="li" className="lk-row" gap="xs">
          {state && <Said mood={MOODS[state]}>{words.stepStates[state]}</Said>}
          <bdi>{summary}</bdi>
          {before !== null && before !== undefined && (
            <Stack gap={4}>
              <Text size="sm" fw={600}>
                {words.run.before}
              </Text>
              <Before before={before} />
            </Stack>
          )}
          <details className="lk-more">
            <summary>{words.run.exactly}</summary>
            <bdi className="lk-dim">{target}</bdi>
            <pre className="lk-code">{JSON.stringify(args, null, 2)}</pre>
          </details>
        </Stack>
      ))}
    </Stack>
  )
}
