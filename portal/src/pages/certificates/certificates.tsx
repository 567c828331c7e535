import { Group, Stack } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { CertificateView } from '../../../../src/contract/certificates.ts'
import { certificateList } from '../../data/work.ts'
import { Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { type Mood, Said } from '../../parts/state.tsx'
import { WorkNav } from '../../parts/work-nav.tsx'
import { work as words } from '../../words-for-work.ts'

const MOODS: Record<CertificateView['state'], Mood> = { valid: 'good', expiring: 'wait', expired: 'bad', revoked: 'bad' }

/** Those that expire first come first. */
export function Certificates() {
  const query = useInfiniteQuery(certificateList())
  return (
    <Page title={words.certificates.title}>
      <WorkNav />
      <Paged query={query} empty={words.certificates.none}>
        {({
          id,
          name,
          domains,
          commonName,
          issuer,
          keyType,
          hasPrivateKey,
          notAfter,
          state,
          sourceId,
          replacedBy,
          fingerprint,
        }) => (
          <Stack key={id} className="lk-row" gap="xs">
            <Group justify="space-between" align="flex-start" gap="xs">
              <bdi className="lk-name">{name}</bdi>
              <Said mood={replacedBy ? 'calm' : MOODS[state]}>
                {replacedBy ? words.certificates.replaced : words.certificates.states[state]}
              </Said>
            </Group>
            <Facts
              facts={{
                [words.certificates.names]: <bdi>{domains.length > 0 ? domains.join(', ') : commonName}</bdi>,
                [words.certificates.ends]: <Moment at={notAfter} />,
                [words.certificates.issuer]: <bdi>{issuer}</bdi>,
                [words.certificates.key]: hasPrivateKey ? keyType : `${keyType}, ${words.certificates.noKey}`,
                [words.certificates.from]: sourceId && words.certificates.bySource,
                [words.certificates.fingerprint]: <code>{fingerprint}</code>,
              }}
            />
          </Stack>
        )}
      </Paged>
    </Page>
  )
}
