import { Checkbox, NativeSelect } from '@mantine/core'
import type { CatalogEntry } from '../../../../../src/contract/catalog.ts'
import type { IntegrationView } from '../../../../../src/contract/integrations.ts'
import type { Values } from '../../../parts/schema-form/schema.ts'
import { flows as words } from '../../../words-for-flows.ts'
import { ApprovalField } from './approval-field.tsx'
import { Fieldset } from './fieldset.tsx'
import type { Flaws } from './flaws.ts'
import { valuesOf, withField } from './loose.ts'
import { PeopleField } from './people-field.tsx'
import { PermissionsField } from './permissions-field.tsx'
import { ResourcesField } from './resources-field.tsx'
import { TimeField } from './time-field.tsx'

const SHOWN = ['requesters', 'resources', 'permissions', 'maxSeconds', 'justification', 'approval', 'delivery']

/** What of a rule the form does not show, and stands in the JSON alone. The broker says of every rule how it can be extended. */
export function unshownIn(rule: Values): readonly string[] {
  const isUsual = (field: string) => field === 'extensions' && valuesOf(rule[field])['count'] === 0
  return Object.keys(rule).filter((field) => !SHOWN.includes(field) && !isUsual(field))
}

interface Given {
  readonly rule: Values
  readonly integration: IntegrationView
  readonly plugin: CatalogEntry
  readonly flaws: Flaws
  readonly onChange: (rule: Values) => void
}

/** What most rules say. */
export function RuleFields({ rule, integration, plugin, flaws, onChange }: Given) {
  const { resources, permissions, maxSeconds, justification, approval, delivery = 'token' } = rule
  const set = (name: string) => (value: unknown) => onChange(withField(rule, name, value))
  const allowed = plugin.deliveries.filter(({ name }) => !integration.guarantees || name in integration.guarantees)
  const isAllowed = allowed.some(({ name }) => name === delivery)
  return (
    <>
      <Requesters value={rule['requesters']} error={flaws.within('rule.requesters')} onChange={set('requesters')} />
      <ResourcesField plugin={plugin} flaws={flaws} value={resources} onChange={set('resources')} />
      <PermissionsField
        plugin={plugin}
        error={flaws.within('rule.permissions')}
        resources={resources}
        value={permissions}
        onChange={set('permissions')}
      />
      <TimeField
        label={words.form.longest}
        error={flaws.within('rule.maxSeconds')}
        seconds={maxSeconds}
        onChange={set('maxSeconds')}
      />
      <ApprovalField flaws={flaws} value={approval} onChange={set('approval')} />
      <Checkbox
        label={words.form.reason}
        error={flaws.within('rule.justification')}
        checked={justification !== 'optional'}
        onChange={({ currentTarget }) => set('justification')(currentTarget.checked ? 'required' : 'optional')}
      />
      <NativeSelect
        label={words.form.delivery}
        error={flaws.within('rule.delivery')}
        maw="32rem"
        value={String(delivery)}
        onChange={({ currentTarget }) => set('delivery')(currentTarget.value)}
        data={[
          ...allowed.map(({ name, title }) => ({ value: name, label: title })),
          ...(isAllowed ? [] : [{ value: String(delivery), label: String(delivery) }]),
        ]}
      />
    </>
  )
}

function Requesters({ value, error, onChange }: Pick<Parameters<typeof PeopleField>[0], 'value' | 'error' | 'onChange'>) {
  const { kind } = valuesOf(value)
  const isEveryone = kind === 'everyone'
  const choose = (chosen: string) => onChange(chosen === 'everyone' ? { kind: chosen } : { kind: chosen, users: [], groups: [] })
  return (
    <Fieldset legend={words.form.who} error={isEveryone ? error : undefined}>
      <NativeSelect
        aria-label={words.form.who}
        maw="20rem"
        value={isEveryone ? 'everyone' : 'people'}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
        data={Object.entries(words.form.whoKinds).map(([one, label]) => ({ value: one, label }))}
      />
      {!isEveryone && <PeopleField legend={words.form.whoKinds.people} error={error} value={value} onChange={onChange} />}
    </Fieldset>
  )
}
