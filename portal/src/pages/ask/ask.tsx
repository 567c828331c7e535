import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { offers } from '../../data/queries.ts'
import { Empty, Failed, Loading } from '../../parts/face.tsx'
import { TextLink } from '../../parts/link.tsx'
import { Page } from '../../parts/page.tsx'
import { words } from '../../words.ts'
import { AskForm } from './ask-form.tsx'

/** Asking for access to one thing. The address carries which, so that it can be passed on. */
export function Ask() {
  const { resource } = useSearch({ from: '/ask' })
  const { data, error, refetch } = useQuery({ ...offers(resource), enabled: resource !== '' })
  return (
    <Page title={words.ask.title}>
      {resource === '' ? (
        <TextLink to="/search" search={{ q: '' }}>
          {words.ask.choose}
        </TextLink>
      ) : data ? (
        data.offers.length === 0 ? (
          <Empty>{words.ask.noOffer(data.resource.name)}</Empty>
        ) : (
          <AskForm key={resource} offered={data} />
        )
      ) : error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  )
}
