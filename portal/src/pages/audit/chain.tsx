import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AuditVerdict } from '../../../../src/contract/audit.ts'
import { audit } from '../../../../src/contract/endpoints/audit.ts'
import { api } from '../../data/api.ts'
import { useDoing } from '../../parts/doing.ts'
import { Facts } from '../../parts/facts.tsx'
import { Refused } from '../../parts/refused.tsx'
import { Said } from '../../parts/state.tsx'
import { work as words } from '../../words-for-work.ts'

/** Follows the whole chain, link by link, when somebody wants to know. */
export function Chain() {
  const [verdict, setVerdict] = useState<AuditVerdict>()
  const { run, isBusy, error } = useDoing(async () => setVerdict(await api.call(audit.verify)))
  return (
    <Stack gap="sm" className="lk-card" aria-live="polite">
      <Text>{words.audit.chain}</Text>
      {verdict && <Verdict verdict={verdict} />}
      <Refused error={error} />
      <Group>
        <Button variant="default" loading={isBusy} onClick={() => run()}>
          {words.audit.verify}
        </Button>
      </Group>
    </Stack>
  )
}

function Verdict({ verdict: { ok, events, head, findings } }: { readonly verdict: AuditVerdict }) {
  return (
    <>
      <Said mood={ok ? 'good' : 'bad'}>{ok ? words.audit.whole(events) : words.audit.broken(findings.length)}</Said>
      <Facts facts={{ [words.audit.head]: <code>{`${head.seq} ${head.hash}`}</code> }} />
      {findings.map(({ kind, seq, detail }) => (
        <Text key={`${kind} ${seq} ${detail}`}>
          <code>{kind}</code> {words.audit.at(seq)}: <bdi>{detail}</bdi>
        </Text>
      ))}
    </>
  )
}
