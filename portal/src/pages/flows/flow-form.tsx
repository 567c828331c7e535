import { Button, Checkbox, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { FormEvent } from 'react'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import type { IntegrationView } from '../../../../src/contract/integrations.ts'
import { refusalOf } from '../../data/api.ts'
import { useDoing } from '../../parts/doing.ts'
import { Refused } from '../../parts/refused.tsx'
import type { Values } from '../../parts/schema-form/schema.ts'
import { flows as words } from '../../words-for-flows.ts'
import { flawsOf } from './form/flaws.ts'
import { readRule, writeRule } from './form/loose.ts'
import { RuleFields, unshownIn } from './form/rule-fields.tsx'
import { also } from './sentences.ts'

/** What is typed: the rule is the text, whichever way it is written. */
export interface FlowDraft {
  readonly name: string
  readonly text: string
  readonly active: boolean
}

interface Given {
  readonly draft: FlowDraft
  readonly change: (difference: Partial<FlowDraft>) => void
  readonly integration: IntegrationView
  readonly plugin: CatalogEntry
  /** whether it is to be made, and not there yet */
  readonly isNew: boolean
  readonly save: (name: string, rule: Values) => Promise<void>
  readonly again?: () => void
}

/** Fields for what most rules say, and the whole rule as JSON below: two ways to write the same text. */
export function FlowForm({ draft, change, integration, plugin, isNew, save, again }: Given) {
  const { name, text, active } = draft
  const rule = readRule(text)
  const saving = useDoing(async () => {
    if (rule) await save(name.trim(), rule)
  })
  const flaws = flawsOf(saving.error)
  const isFlawed = saving.error !== undefined && refusalOf(saving.error).flaws.length > 0
  const others = rule ? unshownIn(rule) : []
  const submit = (event: FormEvent) => {
    event.preventDefault()
    saving.run()
  }
  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack gap="xl">
        <TextInput
          label={words.form.name}
          description={words.form.nameHint}
          error={flaws.within('name')}
          required
          withAsterisk={false}
          maxLength={100}
          value={name}
          onChange={({ currentTarget }) => change({ name: currentTarget.value })}
        />
        {rule ? (
          <RuleFields
            rule={rule}
            integration={integration}
            plugin={plugin}
            flaws={flaws}
            onChange={(changed) => change({ text: writeRule(changed) })}
          />
        ) : (
          <Text>{words.form.mend}</Text>
        )}
        <Textarea
          label={words.rule.json}
          description={others.length > 0 ? words.form.more(also(others)) : words.form.jsonHint}
          error={rule ? flaws.elsewhere : words.form.unreadable}
          autosize
          minRows={4}
          maxRows={24}
          spellCheck={false}
          classNames={{ input: 'lk-written' }}
          value={text}
          onChange={({ currentTarget }) => change({ text: currentTarget.value })}
        />
        {isNew && (
          <Checkbox
            label={words.form.active}
            checked={active}
            onChange={({ currentTarget }) => change({ active: currentTarget.checked })}
          />
        )}
        <Refused error={saving.error} {...(isFlawed && { title: words.form.flawed })} />
        <Group>
          <Button type="submit" size="md" loading={saving.isBusy} disabled={!rule}>
            {isNew ? words.form.saveNew : words.form.save}
          </Button>
          {again && (
            <Button variant="subtle" disabled={saving.isBusy} onClick={again}>
              {words.form.again}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}
