import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Copyable } from '../../parts/copyable.tsx'
import { useDoing } from '../../parts/doing.ts'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { setup as words } from '../../words-for-setup.ts'

interface Given {
  readonly title: string
  readonly hint?: string
  readonly show: string
  readonly ask: () => Promise<{ readonly document: string; readonly commands: readonly string[] }>
}

/** The policy that the broker needs in a system, and the commands that set it up there, to be copied. */
export function SetUpCommands({ title, hint, show, ask }: Given) {
  const [advice, setAdvice] = useState<Awaited<ReturnType<Given['ask']>>>()
  const { run, isBusy, error } = useDoing(async () => setAdvice(await ask()))
  return (
    <Section title={title}>
      {hint && <Text c="dimmed">{hint}</Text>}
      {advice ? (
        <Stack gap="sm">
          {advice.commands.map((command, at) => (
            <Copyable key={command} text={command} label={words.integration.policyCommand(at + 1)} />
          ))}
          <details className="lk-more">
            <summary>{words.integration.policyDocument}</summary>
            <Copyable text={advice.document} label={words.integration.policyDocument} />
          </details>
        </Stack>
      ) : (
        <Group>
          <Button variant="default" loading={isBusy} onClick={run}>
            {show}
          </Button>
        </Group>
      )}
      <Refused error={error} />
    </Section>
  )
}
