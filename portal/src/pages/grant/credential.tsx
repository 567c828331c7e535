import { Stack, Text } from '@mantine/core'
import type { CredentialView } from '../../../../src/contract/grants.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { words } from '../../words.ts'

/** What was handed over, and what to type to use it. */
export function Credential({ credential }: { readonly credential: CredentialView }) {
  const { fields, prepare, usage, endsAt, collectBy } = credential
  return (
    <>
      <Section title={words.reveal.title}>
        <Stack className="lk-card" gap="md">
          <Text>{words.reveal.shownNow}</Text>
          {fields.map(({ name, label, value }) => (
            <Stack key={name} gap={4}>
              <Text size="sm" fw={600}>
                {label}
              </Text>
              <Copyable text={value} label={label} />
            </Stack>
          ))}
          <Facts
            facts={{
              [words.reveal.collectBy]: collectBy && <Moment at={collectBy} />,
              [words.reveal.endsAt]: <Moment at={endsAt} />,
            }}
          />
        </Stack>
      </Section>
      <Section title={words.reveal.useTitle}>
        <Stack className="lk-card" gap="md">
          <Text>{words.reveal.prepare}</Text>
          <Copyable text={[...fields.map(assignment), ...prepare].join('\n')} label={words.reveal.prepareLabel} />
          <Text>{words.reveal.thenUse}</Text>
          {usage.map((line) => (
            <Copyable key={line} text={line} label={words.reveal.useLabel} />
          ))}
        </Stack>
      </Section>
    </>
  )
}

/** As the shell variables that the commands read, quoted for any shell. */
function assignment({ name, value }: CredentialView['fields'][number]): string {
  return `${name.replace(/\W/g, '_')}='${value.replaceAll(`'`, `'\\''`)}'`
}
