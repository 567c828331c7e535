import { Table } from '@mantine/core'
import type { DistributionView } from '../../../../src/contract/distributions.ts'
import { TextLink } from '../../parts/link.tsx'
import { work as words } from '../../words-for-work.ts'
import { TargetState } from './distribution-state.tsx'

/** Each target as it stands; on a telephone a row is a card. */
export function TargetTable({ targets }: Pick<DistributionView, 'targets'>) {
  return (
    <Table className="lk-table" verticalSpacing="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{words.distributions.target}</Table.Th>
          <Table.Th>{words.distributions.state}</Table.Th>
          <Table.Th>{words.distributions.said}</Table.Th>
          <Table.Th>{words.distributions.run}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {targets.map(({ id, name, removed, state, problem, runId }) => (
          <Table.Tr key={id}>
            <Table.Th scope="row">
              <bdi>{name}</bdi>
            </Table.Th>
            <Table.Td>
              <TargetState state={state} />
              {removed && <div>{words.distributions.removed}</div>}
            </Table.Td>
            <Table.Td>
              {problem && <bdi className="lk-text">{[problem.message, problem.fix].filter(Boolean).join('. ')}</bdi>}
            </Table.Td>
            <Table.Td>
              {runId && (
                <TextLink to="/runs/$id" params={{ id: runId }} aria-label={words.distributions.runAt(name)}>
                  {words.distributions.see}
                </TextLink>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
