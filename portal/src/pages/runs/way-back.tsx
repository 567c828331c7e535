import { List, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { runs } from '../../../../src/contract/endpoints/runs.ts'
import type { RunView } from '../../../../src/contract/runs.ts'
import { api } from '../../data/api.ts'
import { wayBack, workKeys } from '../../data/work.ts'
import { Failed } from '../../parts/face.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { Said } from '../../parts/state.tsx'
import { WithReason } from '../../parts/with-reason.tsx'
import { work as words } from '../../words-for-work.ts'

/** Whether the run can be undone as things stand in the target now, what that would do, and the button that does it. */
export function WayBack({ run: { id, undoable }, mayOrder }: { readonly run: RunView; readonly mayOrder: boolean }) {
  const client = useQueryClient()
  const { data, error, refetch } = useQuery({ ...wayBack(id), enabled: undoable })
  const rollBack = async (reason: string) => {
    await api.call(runs.rollBack, { params: { id }, body: { reason } })
    await client.invalidateQueries({ queryKey: workKeys.runs })
  }
  const order = (
    <WithReason
      label={words.run.rollBack}
      yes={words.run.rollBackYes}
      isPossible={mayOrder && undoable && data?.possible === true}
      work={rollBack}
    />
  )
  if (!undoable) return order
  return (
    <Section title={words.run.back}>
      {data ? (
        <Stack gap="sm">
          <Text>{data.possible ? words.run.possible : words.run.impossible}</Text>
          {data.because && <bdi className="lk-text">{data.because}</bdi>}
          <List spacing={4}>
            {data.restores.map(({ target, summary }) => (
              <List.Item key={target}>
                <bdi>{summary}</bdi>
              </List.Item>
            ))}
          </List>
          {data.warnings.map((warning) => (
            <Said key={warning} mood="bad">
              {warning}
            </Said>
          ))}
          {data.until && (
            <Text c="dimmed">
              {words.run.until}: <Moment at={data.until} />
            </Text>
          )}
          {data.by === 'two_admins' && <Text c="dimmed">{words.run.twoAdmins}</Text>}
        </Stack>
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Text role="status" c="dimmed">
          {words.run.asking}
        </Text>
      )}
      {order}
    </Section>
  )
}
