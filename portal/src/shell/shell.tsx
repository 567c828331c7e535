import { Alert, Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { Me } from '../../../src/contract/identity.ts'
import { refusalOf } from '../data/api.ts'
import { me } from '../data/queries.ts'
import { signInAddress, useSessionEnded } from '../data/session.ts'
import { useDoing } from '../parts/doing.ts'
import { Failed, Loading } from '../parts/face.tsx'
import { Refused } from '../parts/refused.tsx'
import { words } from '../words.ts'
import { Account } from './account.tsx'
import { Brand } from './brand.tsx'
import { InboxLink } from './inbox-link.tsx'
import { signOut } from './sign-out.ts'
import { Welcome } from './welcome.tsx'

/** What stands around every page: who is signed in, where one can go, and whether the session goes on. */
export function Shell() {
  const { data, error, refetch } = useQuery(me())
  const ended = useSessionEnded()
  const leaving = useDoing(signOut)
  const here = useRouterState({ select: (state) => state.location.pathname })
  const within = (area: RegExp) => (area.test(here) ? ('page' as const) : undefined)
  useFocusOnNewPage()
  if (!data && error && refusalOf(error).kind === 'signed-out') return <Welcome />
  return (
    <>
      <a className="lk-skip" href="#content">
        {words.skip}
      </a>
      <header className="lk-bar">
        <div className="lk-bar-in">
          <Brand />
          <nav className="lk-nav" aria-label={words.nav.label}>
            <Link to="/" activeOptions={{ exact: true }}>
              {words.nav.home}
            </Link>
            {data && <InboxLink />}
            {data && isSeer(data) && (
              <Link to="/runs" search={{ state: undefined }} aria-current={within(WORK)}>
                {words.nav.work}
              </Link>
            )}
            {data && isSeer(data) && (
              <Link to="/integrations" aria-current={within(SETUP)}>
                {words.nav.setup}
              </Link>
            )}
            {data && isAuditor(data) && (
              <Link to="/audit" activeOptions={{ includeSearch: false }}>
                {words.nav.audit}
              </Link>
            )}
          </nav>
          {data && <Account me={data} isLeaving={leaving.isBusy} leave={leaving.run} />}
        </div>
      </header>
      <main id="content" className="lk-main" tabIndex={-1}>
        {data && ended && <SessionEnded />}
        <Refused error={leaving.error} title={words.session.stillSignedIn} />
        {data ? <ForPerson key={data.id} /> : error ? <Failed error={error} again={() => void refetch()} /> : <Loading />}
      </main>
    </>
  )
}

/** What stands below these links of the bar. */
const WORK = /^\/(runs|rotations|certificates|distributions)(\/|$)/
const SETUP = /^\/(integrations|access-flows|proposals)(\/|$)/

/** Who sees what is done in systems; for others there is nothing in these lists. */
const isSeer = ({ roles }: Me) => roles.some((role) => role === 'admin' || role === 'owner' || role === 'auditor')

const isAuditor = ({ roles }: Me) => roles.some((role) => role === 'admin' || role === 'auditor')

/** Nothing that was on the screen of one person stays for another who signs in elsewhere in the same browser. */
function ForPerson() {
  return <Outlet />
}

/** In the middle of whatever was being done: it stays, and goes on after signing in. */
function SessionEnded() {
  return (
    <Alert role="alert" variant="default" title={words.session.ended} mb="xl">
      <Group justify="space-between">
        {words.session.signInAgain}
        <Button component="a" href={signInAddress()}>
          {words.session.signIn}
        </Button>
      </Group>
    </Alert>
  )
}

function useFocusOnNewPage(): void {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname })
  useEffect(() => {
    if (path !== undefined) document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
  }, [path])
}
