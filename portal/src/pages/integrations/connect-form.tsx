import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import { catalog } from '../../../../src/contract/endpoints/catalog.ts'
import { integrations } from '../../../../src/contract/endpoints/integrations.ts'
import type { HealthReport } from '../../../../src/contract/integrations.ts'
import { api } from '../../data/api.ts'
import { useDoing } from '../../parts/doing.ts'
import { useDraft } from '../../parts/draft.ts'
import { Section } from '../../parts/page.tsx'
import { Refused } from '../../parts/refused.tsx'
import { beginning, type Schema, type Values, withoutSecrets } from '../../parts/schema-form/schema.ts'
import { SchemaField } from '../../parts/schema-form/schema-field.tsx'
import { setup as words } from '../../words-for-setup.ts'
import { useConnecting } from './connecting.ts'
import { Checks } from './health.tsx'
import { SetUpCommands } from './set-up-commands.tsx'

const MOST_DETAILS = 400

/** What the plugin wants to know, the commands that let the broker in, a try, and only then the button that connects. */
export function ConnectForm({ plugin }: { readonly plugin: CatalogEntry }) {
  const schema: Schema = { ...(plugin.config as Schema), title: '' }
  const [{ name, config, accessDetails }, change, forget] = useDraft(
    `connect:${plugin.id}`,
    () => ({ name: '', config: (beginning(schema) ?? {}) as Values, accessDetails: '' }),
    (draft) => ({ ...draft, config: withoutSecrets(schema, draft.config) as Values }),
  )
  const [tried, setTried] = useState<{ readonly of: string; readonly report: HealthReport }>()
  const connect = useConnecting()
  const asked = JSON.stringify(config)
  const look = useDoing(async () => {
    setTried({ of: asked, report: await api.call(integrations.test, { body: { plugin: plugin.id, config } }) })
  })
  const report = tried?.of === asked ? tried.report : undefined
  const save = useDoing(async () => {
    const details = accessDetails.trim()
    const body = { name: name.trim(), plugin: plugin.id, config, ...(details && { accessDetails: details }) }
    await connect({ ...body, skipTest: report?.healthy === false }, forget)
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    look.run()
  }
  return (
    <Stack gap="xl">
      <form onSubmit={submit} autoComplete="off">
        <Stack gap="lg">
          <TextInput
            label={words.connect.name}
            description={words.connect.nameHint}
            required
            withAsterisk={false}
            maxLength={63}
            value={name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <SchemaField
            schema={schema}
            name=""
            value={config}
            onChange={(changed) => change({ config: (changed ?? {}) as Values })}
          />
          <Textarea
            label={words.connect.details}
            description={words.connect.detailsHint}
            autosize
            minRows={2}
            maxLength={MOST_DETAILS}
            value={accessDetails}
            onChange={(event) => change({ accessDetails: event.currentTarget.value })}
          />
          {accessDetails.trim() !== '' && (
            <div>
              <Text size="sm" c="dimmed">
                {words.connect.preview}
              </Text>
              <bdi className="lk-text lk-card">{accessDetails.trim()}</bdi>
            </div>
          )}
          {plugin.offers.minimumPolicy && (
            <SetUpCommands
              key={asked}
              title={words.connect.policy}
              hint={words.connect.policyHint}
              show={words.connect.policyShow}
              ask={() => api.call(catalog.minimumPolicy, { params: { plugin: plugin.id }, body: { config } })}
            />
          )}
          <Refused error={look.error} />
          <Group>
            <Button type="submit" variant={report?.healthy ? 'default' : 'filled'} loading={look.isBusy}>
              {words.connect.test}
            </Button>
            <Text size="sm" c="dimmed">
              {tried && !report ? words.connect.testedAgain : words.connect.testHint}
            </Text>
          </Group>
        </Stack>
      </form>
      {report && (
        <Section title={words.connect.tested}>
          {report.healthy && <Text>{words.connect.ready}</Text>}
          <Checks checks={report.checks} />
          <Refused error={save.error} />
          <Group>
            <Button size="md" variant={report.healthy ? 'filled' : 'default'} loading={save.isBusy} onClick={save.run}>
              {report.healthy ? words.connect.save : words.connect.saveAnyway}
            </Button>
          </Group>
        </Section>
      )}
    </Stack>
  )
}
