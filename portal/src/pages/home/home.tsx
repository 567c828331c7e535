import { Page } from '../../parts/page.tsx'
import { words } from '../../words.ts'
import { EndedAccess } from './ended-access.tsx'
import { LiveAccess } from './live-access.tsx'
import { MyRequests } from './my-requests.tsx'
import { SearchBox } from './search-box.tsx'

export function Home() {
  return (
    <Page title={words.home.title}>
      <SearchBox />
      <LiveAccess />
      <MyRequests />
      <EndedAccess />
    </Page>
  )
}
