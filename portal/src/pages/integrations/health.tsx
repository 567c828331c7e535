import { Stack, Text } from '@mantine/core'
import type { HealthReport } from '../../../../src/contract/integrations.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Fact, Facts } from '../../parts/facts.tsx'
import { Said } from '../../parts/state.tsx'
import { setup as words } from '../../words-for-setup.ts'

/** Everything that was looked at. What is not good stands first and open, each with what to do about it. */
export function Checks({ checks }: Pick<HealthReport, 'checks'>) {
  const good = checks.filter(({ status }) => status === 'ok')
  return (
    <Stack gap="sm">
      {(['failed', 'warning'] as const).flatMap((wanted) =>
        checks.filter(({ status }) => status === wanted).map((check) => <Check key={check.name} check={check} />),
      )}
      {good.length > 0 && (
        <details className="lk-more">
          <summary>{words.integration.good(good.length)}</summary>
          <Facts facts={{}}>
            {good.map(({ name, detail }) => (
              <Fact key={name} name={name}>
                <bdi className="lk-text">{detail}</bdi>
              </Fact>
            ))}
          </Facts>
        </details>
      )}
    </Stack>
  )
}

function Check({ check: { name, status, detail, fix } }: { readonly check: HealthReport['checks'][number] }) {
  return (
    <Stack className="lk-row" gap={4}>
      <Said mood={status === 'failed' ? 'bad' : 'wait'}>
        {words.integration.checkStates[status === 'failed' ? status : 'warning']}
      </Said>
      <bdi className="lk-name">{name}</bdi>
      <bdi className="lk-text">{detail}</bdi>
      {fix && (/[{\n]/.test(fix) ? <Copyable text={fix} label={words.integration.fix} /> : <bdi className="lk-text">{fix}</bdi>)}
    </Stack>
  )
}

/** In a line each, what is not as it should be. */
export function Ailments({ health }: { readonly health: HealthReport | null }) {
  return (health?.checks ?? [])
    .filter(({ status }) => status === 'failed')
    .map(({ name, detail }) => (
      <Text key={name} size="sm">
        <bdi className="lk-text">{detail}</bdi>
      </Text>
    ))
}
