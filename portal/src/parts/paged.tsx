import { Button, Stack } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { words } from '../words.ts'
import { Empty, Failed, Loading } from './face.tsx'

interface Pages<Item> {
  readonly pages: readonly { readonly items: readonly Item[] }[]
}

/** A list, page by page, with all its faces. */
export function Paged<Item>({
  query,
  empty,
  children,
  where = () => true,
}: {
  readonly query: UseInfiniteQueryResult<Pages<Item>>
  readonly empty: ReactNode
  readonly children: (item: Item) => ReactNode
  readonly where?: (item: Item) => boolean
}) {
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query
  if (isPending) return <Loading />
  if (!data) return <Failed error={error} again={() => void refetch()} />
  const items = data.pages.flatMap((page) => page.items).filter(where)
  return (
    <Stack gap="sm">
      {items.length === 0 ? <Empty>{empty}</Empty> : items.map(children)}
      {error && <Failed error={error} again={() => void refetch()} />}
      {hasNextPage && (
        <Button
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
          style={{ alignSelf: 'center' }}
        >
          {words.more}
        </Button>
      )}
    </Stack>
  )
}
