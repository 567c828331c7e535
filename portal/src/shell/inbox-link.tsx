import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { inbox } from '../data/queries.ts'
import { words } from '../words.ts'

/** With how many wait, as far as they were counted. */
export function InboxLink() {
  const { data } = useInfiniteQuery(inbox())
  const first = data?.pages[0]
  const count = first?.items.length ?? 0
  return (
    <Link to="/approvals">{count === 0 ? words.nav.inbox : words.nav.waiting(first?.next ? `${count}+` : String(count))}</Link>
  )
}
