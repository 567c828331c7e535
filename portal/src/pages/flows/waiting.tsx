import { Alert, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { waitingFlows } from '../../data/flows.ts'
import { TextLink } from '../../parts/link.tsx'
import { words } from '../../words.ts'
import { setup } from '../../words-for-setup.ts'

/** What waits for a second person: changes of one flow, or of any, and flows that are to be made. */
export function Waiting({ of }: { readonly of?: string }) {
  const { data = [] } = useQuery(waitingFlows())
  const waiting = data.filter(({ subject }) => of === undefined || subject === of)
  if (waiting.length === 0) return null
  return (
    <Alert variant="default" title={words.held.title}>
      {waiting.map(({ id, kind, proposer }) => (
        <Text key={id}>
          <TextLink to="/proposals/$id" params={{ id }}>
            {setup.proposals.kinds[kind]}
          </TextLink>
          , <bdi>{setup.proposals.by(proposer.name)}</bdi>
        </Text>
      ))}
    </Alert>
  )
}
