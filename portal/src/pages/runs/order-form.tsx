import { Button, Group, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { runs } from '../../../../src/contract/endpoints/runs.ts'
import type { OfferedAction, RunPreview } from '../../../../src/contract/runs.ts'
import { api } from '../../data/api.ts'
import { useDoing } from '../../parts/doing.ts'
import { useDraft } from '../../parts/draft.ts'
import { Refused } from '../../parts/refused.tsx'
import { Irreversible } from '../../parts/risk.tsx'
import { beginning, type Schema, type Values, withoutSecrets } from '../../parts/schema-form/schema.ts'
import { SchemaField } from '../../parts/schema-form/schema-field.tsx'
import { work as words } from '../../words-for-work.ts'
import { Confirming } from './confirming.tsx'
import { useOrder } from './ordering.ts'

interface Given {
  readonly integrationId: string
  readonly action: OfferedAction
}

/** What is to be done, what it would do as things stand, and only then the button that has it done. */
export function OrderForm({ integrationId, action }: Given) {
  const schema: Schema = { ...(action.input as Schema), title: '' }
  const [{ input, reason }, change, forget] = useDraft(
    `run:${integrationId}:${action.name}`,
    () => ({ input: (beginning(schema) ?? {}) as Values, reason: '' }),
    (draft) => ({ ...draft, input: withoutSecrets(schema, draft.input) as Values }),
  )
  const [seen, setSeen] = useState<{ readonly of: string; readonly preview: RunPreview }>()
  const order = useOrder()
  const asked = JSON.stringify(input)
  const look = useDoing(async () => {
    const params = { id: integrationId, action: action.name }
    setSeen({ of: asked, preview: await api.call(runs.preview, { params, body: { input } }) })
  })
  const send = useDoing(async (confirm: string | undefined) => {
    await order({ integrationId, action: action.name, input, reason: reason.trim(), ...(confirm && { confirm }) }, forget)
  })
  const preview = seen?.of === asked ? seen.preview : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    look.run()
  }
  return (
    <Stack gap="xl">
      {action.irreversible && <Irreversible because={action.irreversible} />}
      <form onSubmit={submit} autoComplete="off">
        <Stack gap="lg">
          <SchemaField
            schema={schema}
            name=""
            value={input}
            onChange={(changed) => change({ input: (changed ?? {}) as Values })}
          />
          <Refused error={look.error} />
          <Group>
            <Button type="submit" variant={preview ? 'default' : 'filled'} loading={look.isBusy}>
              {words.order.preview}
            </Button>
            <Text size="sm" c="dimmed">
              {seen && !preview ? words.order.changed : words.order.nothing}
            </Text>
          </Group>
        </Stack>
      </form>
      {preview && (
        <Confirming
          key={seen?.of}
          preview={preview}
          reason={reason}
          say={(said) => change({ reason: said })}
          isBusy={send.isBusy}
          error={send.error}
          order={send.run}
        />
      )}
    </Stack>
  )
}
