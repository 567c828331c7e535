import { Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { runState } from '../../../../src/contract/runs.ts'
import { runList } from '../../data/work.ts'
import { ButtonLink, TextLink } from '../../parts/link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Page } from '../../parts/page.tsx'
import { Paged } from '../../parts/paged.tsx'
import { useRole } from '../../parts/role.ts'
import { WorkNav } from '../../parts/work-nav.tsx'
import { work as words } from '../../words-for-work.ts'
import { RunState } from './run-state.tsx'

/** What was done in the systems behind the broker, latest first. Which of them are shown stands in the address. */
export function Runs() {
  const { state } = useSearch({ from: '/runs' })
  const navigate = useNavigate()
  const query = useInfiniteQuery(runList(state))
  const isAdmin = useRole('admin')
  const choose = (chosen: string) => {
    void navigate({ to: '/runs', search: { state: runState.safeParse(chosen).data }, replace: true })
  }
  return (
    <Page
      title={words.runs.title}
      beside={
        isAdmin && (
          <ButtonLink to="/runs/new" search={{ integration: '', action: '' }}>
            {words.runs.start}
          </ButtonLink>
        )
      }
    >
      <WorkNav />
      <NativeSelect
        label={words.runs.filter}
        value={state ?? ''}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[
          { value: '', label: words.runs.all },
          ...runState.options.map((value) => ({ value, label: words.runStates[value] })),
        ]}
        maw="16rem"
      />
      <Paged query={query} empty={state ? words.runs.noneSuch : words.runs.none}>
        {({ id, title, concerns, reason, state, orderedBy, startedBy, createdAt, problem, reversible }) => (
          <Group key={id} className="lk-row" justify="space-between" align="flex-start" gap="xs">
            <Stack gap={2} flex={1} miw="12rem">
              <TextLink to="/runs/$id" params={{ id }}>
                <bdi>{title}</bdi>
              </TextLink>
              {concerns.map(({ name }) => (
                <bdi key={name} className="lk-name">
                  {name}
                </bdi>
              ))}
              <bdi className="lk-text">{reason}</bdi>
              {problem && <bdi className="lk-dim">{problem.message}</bdi>}
              <Text size="sm" c="dimmed">
                <bdi>{orderedBy?.name ?? words.runs.by[startedBy.kind]}</bdi> · <Moment at={createdAt} />
              </Text>
              {!reversible && <Text size="sm">{words.run.irreversible}</Text>}
            </Stack>
            <RunState state={state} />
          </Group>
        )}
      </Paged>
    </Page>
  )
}
