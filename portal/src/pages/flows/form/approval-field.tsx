import { Checkbox, NativeSelect } from '@mantine/core'
import { flows as words } from '../../../words-for-flows.ts'
import { Fieldset } from './fieldset.tsx'
import type { Flaws } from './flaws.ts'
import { listOf, valuesOf, withField } from './loose.ts'
import { NeededField } from './needed-field.tsx'
import { PeopleField } from './people-field.tsx'
import { StagesField } from './stages-field.tsx'

interface Given {
  readonly flaws: Flaws
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

type Kind = keyof typeof words.form.kinds

const NOBODY = { users: [], groups: [] }

/** Who must agree, in whichever of the four ways. */
export function ApprovalField({ flaws, value, onChange }: Given) {
  const approval = valuesOf(value)
  const { kind, stages, mayRepeat, needed, alert, reviewers } = approval
  const set = (name: string, given: unknown) => onChange(withField(approval, name, given))
  return (
    <Fieldset legend={words.form.approval} error={flaws.at('rule.approval') ?? flaws.within('rule.approval.kind')}>
      <NativeSelect
        aria-label={words.form.approval}
        value={typeof kind === 'string' ? kind : ''}
        onChange={({ currentTarget }) => onChange(another(currentTarget.value, approval))}
        data={[
          ...(typeof kind === 'string' && kind in words.form.kinds ? [] : [{ value: '', label: words.form.choose }]),
          ...Object.entries(words.form.kinds).map(([one, label]) => ({ value: one, label })),
        ]}
      />
      {kind === 'approvers' && (
        <>
          <PeopleField
            legend={words.form.approvers}
            error={flaws.within('rule.approval.users') ?? flaws.within('rule.approval.groups')}
            value={approval}
            onChange={onChange}
          />
          <NeededField value={needed} error={flaws.within('rule.approval.needed')} onChange={(one) => set('needed', one)} />
        </>
      )}
      {kind === 'stages' && (
        <>
          <StagesField
            path="rule.approval.stages"
            flaws={flaws}
            value={listOf(stages)}
            onChange={(changed) => set('stages', changed)}
          />
          <Checkbox
            label={words.form.mayRepeat}
            checked={mayRepeat === true}
            onChange={({ currentTarget }) => set('mayRepeat', currentTarget.checked)}
          />
        </>
      )}
      {kind === 'emergency' && (
        <>
          <PeopleField
            legend={words.form.alert}
            error={flaws.within('rule.approval.alert')}
            value={alert}
            onChange={(people) => set('alert', people)}
          />
          <PeopleField
            legend={words.form.reviewers}
            description={words.form.reviewersHint}
            error={flaws.within('rule.approval.reviewers')}
            value={reviewers}
            onChange={(people) => set('reviewers', people)}
          />
        </>
      )}
    </Fieldset>
  )
}

/** The same people in another way, where that way has people. */
function another(kind: string, former: unknown): unknown {
  const { users = [], groups = [], needed = 1 } = valuesOf(former)
  const people = { users, groups }
  switch (kind as Kind) {
    case 'automatic':
      return { kind }
    case 'approvers':
      return { kind, ...people, needed }
    case 'stages': {
      const named = listOf(users).length + listOf(groups).length > 0
      return { kind, stages: [{ approvers: named ? [{ kind: 'people', ...people }] : [], needed }] }
    }
    case 'emergency':
      return { kind, alert: NOBODY }
  }
}
