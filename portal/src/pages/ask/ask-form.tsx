import { Button, Checkbox, Chip, Group, Stack, Switch, Text, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import { requests } from '../../../../src/contract/endpoints/access.ts'
import type { ResourceOffers } from '../../../../src/contract/offers.ts'
import { api } from '../../data/api.ts'
import { keys } from '../../data/queries.ts'
import { useDoing } from '../../parts/doing.ts'
import { useDraft } from '../../parts/draft.ts'
import { inWords } from '../../parts/duration.ts'
import { Refused } from '../../parts/refused.tsx'
import { words } from '../../words.ts'
import { type Asking, askable, begin, withAnswer } from './asking.ts'
import { CustomFields } from './custom-fields.tsx'
import { Outlook } from './outlook.tsx'

export function AskForm({ offered }: { readonly offered: ResourceOffers }) {
  const { resource, typeTitle, permissions, offers } = offered
  const [typed, change, forget] = useDraft<Asking>(`ask:${resource.id}`, () => begin(offered))
  const navigate = useNavigate()
  const client = useQueryClient()
  const asking = askable(offered, typed)
  const { seconds, presets, justification, needsReason, fields, questions, emergency } = asking
  const body = {
    resources: [{ resourceId: resource.id, permissions: [...asking.permissions].sort() }],
    seconds,
    justification: justification.trim(),
    fields,
    emergency,
  }
  const { run, isBusy, error } = useDoing(async () => {
    const { id } = await api.call(requests.submit, { body })
    forget()
    await client.invalidateQueries({ queryKey: keys.requests })
    await navigate({ to: '/requests/$id', params: { id }, replace: true })
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    run()
  }
  const isWhole = asking.permissions.length > 0 && (!needsReason || justification.trim() !== '')
  return (
    <form onSubmit={submit}>
      <Stack gap="xl">
        <Stack gap={2}>
          <bdi className="lk-name lk-large">{resource.name}</bdi>
          <Text c="dimmed">
            {typeTitle} · {resource.integrationName}
          </Text>
        </Stack>
        <Checkbox.Group
          label={words.ask.permissions}
          value={[...asking.permissions]}
          onChange={(chosen) => change({ permissions: chosen })}
        >
          <Stack gap="sm" mt="xs">
            {permissions.map(({ id, title, description }) => (
              <Checkbox key={id} value={id} label={title} description={description} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Stack gap="xs" component="fieldset" className="lk-fieldset">
          <legend>{words.ask.howLong}</legend>
          <Chip.Group value={String(seconds)} onChange={(chosen) => change({ seconds: Number(chosen) })}>
            <Group gap="xs">
              {presets.map((preset) => (
                <Chip key={preset} value={String(preset)} variant="outline">
                  {inWords(preset)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <Text size="sm" c="dimmed">
            {words.ask.atMost(inWords(presets.at(-1)!))}
          </Text>
        </Stack>
        <Textarea
          label={words.ask.why}
          description={words.ask.whyHint}
          required={needsReason}
          withAsterisk={false}
          autosize
          minRows={2}
          maxLength={2000}
          value={justification}
          onChange={(event) => change({ justification: event.currentTarget.value })}
        />
        <CustomFields
          fields={questions}
          values={fields}
          onChange={(key, value) => change({ fields: withAnswer(typed.fields, key, value) })}
        />
        {offers.some((offer) => offer.emergency) && (
          <Switch
            checked={emergency}
            disabled={offers.every((offer) => offer.emergency)}
            label={words.ask.emergency}
            description={words.ask.emergencyHint}
            onChange={(event) => change({ emergency: event.currentTarget.checked })}
          />
        )}
        <Outlook body={body} />
        <Refused error={error} />
        <Group>
          <Button type="submit" size="md" loading={isBusy} disabled={!isWhole}>
            {words.ask.send}
          </Button>
          {!isWhole && (
            <Text size="sm" c="dimmed">
              {asking.permissions.length === 0 ? words.ask.choosePermission : words.ask.sayWhy}
            </Text>
          )}
        </Group>
      </Stack>
    </form>
  )
}
