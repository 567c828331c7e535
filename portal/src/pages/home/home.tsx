import { Page } from '../../parts/page.tsx'
import { words } from '../../words.ts'
import { LiveAccess } from './live-access.tsx'

export function Home() {
  return (
    <Page title={words.home.title}>
      <LiveAccess />
    </Page>
  )
}
