import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { grant as grantQuery, opening, receipt, request } from '../../data/queries.ts'
import { Failed, Loading } from '../../parts/face.tsx'
import { Facts } from '../../parts/facts.tsx'
import { ButtonLink } from '../../parts/link.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Resources } from '../../parts/resources.tsx'
import { useRole } from '../../parts/role.ts'
import { GrantState } from '../../parts/state.tsx'
import { words } from '../../words.ts'
import { Evidence } from './evidence.tsx'
import { Timeline } from './timeline.tsx'

/** One access from the request to the proof that it is gone, on a page that can be printed. */
export function ReceiptPage() {
  const { id } = useParams({ from: '/grants/$id/receipt' })
  const isAuditor = useRole('admin', 'auditor')
  const grant = useQuery(grantQuery(id))
  const asked = useQuery({ ...request(grant.data?.requestId ?? ''), enabled: grant.data !== undefined })
  const proof = useQuery(receipt(id))
  const opened = useQuery(opening(id))
  if (!grant.data || !asked.data || proof.data === undefined || opened.data === undefined) {
    const failed = [grant, asked, proof, opened].filter(({ data, isError }) => isError && data === undefined)
    const error = failed[0]?.error
    const again = () => void Promise.all(failed.map(({ refetch }) => refetch()))
    return <Page title={words.receipt.title}>{error ? <Failed error={error} again={again} /> : <Loading />}</Page>
  }
  return (
    <Page title={words.receipt.title} beside={<GrantState state={grant.data.state} />}>
      <Facts
        facts={{
          [words.request.who]: <bdi className="lk-name">{grant.data.grantee.name}</bdi>,
          [words.request.what]: <Resources resources={grant.data.resources} />,
          [words.receipt.id]: <code>{id}</code>,
          [words.receipt.target]:
            proof.data?.target &&
            Object.entries(proof.data.target)
              .map(([key, value]) => `${key} ${value}`)
              .join(', '),
        }}
      />
      <Section title={words.receipt.story}>
        <Timeline grant={grant.data} request={asked.data} opening={opened.data} receipt={proof.data} />
      </Section>
      <Section title={words.receipt.proof}>
        {proof.data ? <Evidence receipt={proof.data} /> : <Text c="dimmed">{words.receipt.notYet}</Text>}
      </Section>
      <Group className="lk-no-print">
        {proof.data && <Button onClick={() => window.print()}>{words.receipt.print}</Button>}
        {isAuditor && (
          <ButtonLink to="/audit/grants/$id" params={{ id }} variant="default">
            {words.receipt.trail}
          </ButtonLink>
        )}
      </Group>
    </Page>
  )
}
