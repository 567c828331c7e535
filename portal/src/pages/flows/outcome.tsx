import { List, Stack, Text } from '@mantine/core'
import type { Simulation } from '../../../../src/contract/simulation.ts'
import { Fact, Facts } from '../../parts/facts.tsx'
import { listed } from '../../parts/people.ts'
import { words as common } from '../../words.ts'
import { flows as words } from '../../words-for-flows.ts'
import { also } from './sentences.ts'

type Under = Simulation['flows'][number]

/** Who could get it, by who would decide; of one person also why not. */
export function Outcome({ of, person }: { readonly of: Under; readonly person: string | undefined }) {
  if (of.reasons.length > 0) {
    return (
      <Stack gap="xs">
        <Text fw={600}>{person ? words.simulator.notThis(person) : words.simulator.nobody}</Text>
        <List>
          {of.reasons.map((reason) => (
            <List.Item key={reason}>{reason}</List.Item>
          ))}
        </List>
      </Stack>
    )
  }
  const named = Map.groupBy(of.people, decides)
  return (
    <Stack gap="sm">
      <Text fw={600}>{of.count === 0 ? words.simulator.nobody : words.simulator.count(of.count)}</Text>
      <Facts facts={{}}>
        {[...named].map(([who, people]) => (
          <Fact key={who} name={<bdi>{who}</bdi>}>
            <bdi>{also(people.map(({ name }) => name))}</bdi>
          </Fact>
        ))}
      </Facts>
    </Stack>
  )
}

function decides({ stages }: Under['people'][number]): string {
  if (stages.length === 0) return words.simulator.atOnce
  if (stages.some(({ parties }) => parties.some(({ needed, people }) => people.length < needed)))
    return words.simulator.undecidable
  const parties = stages.map((stage) =>
    stage.parties
      .map(({ needed, people }) => (needed === 1 ? listed(people) : words.approves.party(String(needed), listed(people))))
      .join(common.request.andAlso),
  )
  return words.simulator.decides(parties.join(common.request.thenAlso))
}
