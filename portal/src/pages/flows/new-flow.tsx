import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import { flows } from '../../../../src/contract/endpoints/access.ts'
import type { IntegrationView } from '../../../../src/contract/integrations.ts'
import type { AccessRule } from '../../../../src/contract/rules.ts'
import { USUAL_SECONDS } from '../../../../src/contract/time.ts'
import { api } from '../../data/api.ts'
import { catalogEntries } from '../../data/setup.ts'
import { connected } from '../../data/work.ts'
import { useDraft } from '../../parts/draft.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Page } from '../../parts/page.tsx'
import { flows as words } from '../../words-for-flows.ts'
import { type FlowDraft, FlowForm } from './flow-form.tsx'
import { writeRule } from './form/loose.ts'
import { useSaving } from './saving.ts'

/** What a rule begins with. It gives nothing: resources, permissions and approvers are still to be chosen. */
const BEGINNING = {
  requesters: { kind: 'everyone' },
  resources: [],
  permissions: {},
  maxSeconds: USUAL_SECONDS,
  justification: 'required',
  approval: { kind: 'approvers', users: [], groups: [], needed: 1 },
}

/** A flow is written for one integration, which stands in the address. */
export function NewFlow() {
  const { integration: wanted } = useSearch({ from: '/access-flows/new' })
  const navigate = useNavigate()
  const listed = useQuery(connected())
  const known = useQuery(catalogEntries())
  if (!listed.data || !known.data) {
    const error = listed.error ?? known.error
    const again = () => void (listed.error ? listed : known).refetch()
    return <Page title={words.form.titleNew}>{error ? <Failed error={error} again={again} /> : <Loading />}</Page>
  }
  const plugins = new Map(known.data.filter(({ offers }) => offers.grants).map((one) => [one.id, one]))
  const able = listed.data.filter(({ plugin }) => plugins.has(plugin))
  const integration = able.length === 1 ? able[0] : able.find(({ id }) => id === wanted)
  const plugin = plugins.get(integration?.plugin ?? '')
  return (
    <Page title={words.form.titleNew}>
      {able.length === 0 ? (
        <Empty>{words.form.noIntegration}</Empty>
      ) : (
        <NativeSelect
          label={words.integration}
          maw="20rem"
          value={integration?.id ?? ''}
          onChange={({ currentTarget }) =>
            void navigate({ to: '/access-flows/new', search: { integration: currentTarget.value }, replace: true })
          }
          data={[
            ...(integration ? [] : [{ value: '', label: words.form.choose }]),
            ...able.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      )}
      {integration && plugin && <Writing key={integration.id} integration={integration} plugin={plugin} />}
    </Page>
  )
}

function Writing({ integration, plugin }: { readonly integration: IntegrationView; readonly plugin: CatalogEntry }) {
  const saving = useSaving()
  const [draft, change, forget] = useDraft<FlowDraft>(`flow:${integration.id}`, () => ({
    name: '',
    text: writeRule(BEGINNING),
    active: true,
  }))
  const save = async (name: string, rule: object) => {
    // What it may be, the broker says.
    const body = { name, integrationId: integration.id as `int_${string}`, active: draft.active, rule: rule as AccessRule }
    await saving(api.call(flows.create, { body }), forget)
  }
  return <FlowForm draft={draft} change={change} integration={integration} plugin={plugin} isNew save={save} />
}
