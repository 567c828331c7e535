import { NativeSelect, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { connected, offeredActions } from '../../data/work.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { Page } from '../../parts/page.tsx'
import { work as words } from '../../words-for-work.ts'
import { OrderForm } from './order-form.tsx'

/** An action that an admin has done. Where and what stands in the address, so that it can be passed on; what is typed does not. */
export function NewRun() {
  const { integration, action } = useSearch({ from: '/runs/new' })
  const navigate = useNavigate()
  const choose = (search: { integration: string; action: string }) => void navigate({ to: '/runs/new', search, replace: true })
  const { data, error, refetch } = useQuery(connected())
  return (
    <Page title={words.order.title}>
      {data ? (
        data.length === 0 ? (
          <Empty>{words.order.noIntegrations}</Empty>
        ) : (
          <NativeSelect
            label={words.order.integration}
            value={integration}
            onChange={(event) => choose({ integration: event.currentTarget.value, action: '' })}
            data={[{ value: '', label: words.order.choose }, ...data.map(({ id, name }) => ({ value: id, label: name }))]}
            maw="24rem"
          />
        )
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Loading lines={1} />
      )}
      {integration !== '' && (
        <Choice
          key={integration}
          integration={integration}
          action={action}
          choose={(chosen) => choose({ integration, action: chosen })}
        />
      )}
    </Page>
  )
}

interface ChoiceGiven {
  readonly integration: string
  readonly action: string
  readonly choose: (action: string) => void
}

function Choice({ integration, action, choose }: ChoiceGiven) {
  const { data, error, refetch } = useQuery(offeredActions(integration))
  if (!data) return error ? <Failed error={error} again={() => void refetch()} /> : <Loading lines={1} />
  if (data.length === 0) return <Empty>{words.order.noActions}</Empty>
  const chosen = data.find(({ name }) => name === action)
  return (
    <Stack gap="xl">
      <NativeSelect
        label={words.order.action}
        value={chosen?.name ?? ''}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[{ value: '', label: words.order.choose }, ...data.map(({ name, title }) => ({ value: name, label: title }))]}
        maw="24rem"
      />
      {chosen && (
        <>
          {chosen.description && <Text>{chosen.description}</Text>}
          <OrderForm key={chosen.name} integrationId={integration} action={chosen} />
        </>
      )}
    </Stack>
  )
}
