import { Table, Text } from '@mantine/core'
import type { ProposalView } from '../../../../src/contract/proposals.ts'
import { Section } from '../../parts/page.tsx'
import { setup as words } from '../../words-for-setup.ts'

/** Field by field, what is and what would be. Secrets are in neither: the broker leaves them out. */
export function Differences({ proposal: { diff, base, summary } }: { readonly proposal: ProposalView }) {
  return (
    <Section title={words.proposal.differences}>
      {base !== null && <Text c="dimmed">{words.proposal.asIs}</Text>}
      {diff.length === 0 ? (
        <Text>{words.proposal.same}</Text>
      ) : (
        <Table className="lk-table" verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{words.proposal.field}</Table.Th>
              {base !== null && <Table.Th scope="col">{words.proposal.before}</Table.Th>}
              <Table.Th scope="col">{words.proposal.after}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {diff.map(({ field, before, after }) => (
              <Table.Tr key={field}>
                <Table.Th scope="row">
                  <bdi>{field}</bdi>
                </Table.Th>
                {base !== null && (
                  <Table.Td>
                    <Named name={words.proposal.before} />
                    {inText(before)}
                  </Table.Td>
                )}
                <Table.Td>
                  {base !== null && <Named name={words.proposal.after} />}
                  {inText(after)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <details className="lk-more">
        <summary>{words.proposal.whole}</summary>
        <pre className="lk-code">{JSON.stringify(summary, null, 2)}</pre>
      </details>
    </Section>
  )
}

/** On a telephone a row is a card, without the heads of the columns. */
function Named({ name }: { readonly name: string }) {
  return <span className="lk-narrow lk-dim">{name}: </span>
}

function inText(value: unknown) {
  if (value === null || value === undefined) return <span className="lk-dim">{words.proposal.nothing}</span>
  return <bdi className="lk-text">{typeof value === 'string' ? value : JSON.stringify(value)}</bdi>
}
