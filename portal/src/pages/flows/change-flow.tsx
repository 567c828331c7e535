import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import { flows } from '../../../../src/contract/endpoints/access.ts'
import type { FlowView } from '../../../../src/contract/flows.ts'
import type { IntegrationView } from '../../../../src/contract/integrations.ts'
import type { AccessRule } from '../../../../src/contract/rules.ts'
import { api } from '../../data/api.ts'
import { flow } from '../../data/flows.ts'
import { catalogEntries } from '../../data/setup.ts'
import { connected } from '../../data/work.ts'
import { useDraft } from '../../parts/draft.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Page } from '../../parts/page.tsx'
import { flows as words } from '../../words-for-flows.ts'
import { FlowForm } from './flow-form.tsx'
import { isSame, writeRule } from './form/loose.ts'
import { useSaving } from './saving.ts'

/** A flow as it is, to be written otherwise. */
export function ChangeFlow() {
  const { id } = useParams({ from: '/access-flows/$id/change' })
  const told = useQuery(flow(id))
  const { data: integrations, error: without } = useQuery(connected())
  const { data: plugins, error: bare } = useQuery(catalogEntries())
  const [round, setRound] = useState(0)
  const error = told.error ?? without ?? bare
  const integration = integrations?.find((one) => one.id === told.data?.integrationId)
  const plugin = plugins?.find((one) => one.id === integration?.plugin)
  if (!told.data || !integration || !plugin) {
    const isGone = told.data && integrations && plugins
    return (
      <Page title={told.data?.name ?? words.flow}>
        {isGone ? <Empty>{words.gone}</Empty> : error ? <Failed error={error} again={() => void told.refetch()} /> : <Loading />}
      </Page>
    )
  }
  return (
    <Page title={words.form.title(told.data.name)}>
      <Changing key={round} flow={told.data} integration={integration} plugin={plugin} again={() => setRound(round + 1)} />
    </Page>
  )
}

interface Given {
  readonly flow: FlowView
  readonly integration: IntegrationView
  readonly plugin: CatalogEntry
  readonly again: () => void
}

function Changing({ flow: now, integration, plugin, again }: Given) {
  const saving = useSaving()
  const { id } = now
  const [draft, change, forget] = useDraft(`flow:${id}`, () => ({
    name: now.name,
    text: writeRule(now.rule),
    active: now.active,
    // What was changed by somebody else in the meantime is not written over.
    version: now.version,
  }))
  const save = async (name: string, rule: object) => {
    const difference = {
      ...(name !== now.name && { name }),
      // What it may be, the broker says.
      ...(!isSame(rule, now.rule) && { rule: rule as AccessRule }),
    }
    const isSomething = Object.keys(difference).length > 0
    const body = { ...difference, version: draft.version }
    await saving(isSomething ? api.call(flows.change, { params: { id }, body }) : Promise.resolve(now), forget)
  }
  return (
    <FlowForm
      draft={draft}
      change={change}
      integration={integration}
      plugin={plugin}
      isNew={false}
      save={save}
      again={() => {
        forget()
        again()
      }}
    />
  )
}
