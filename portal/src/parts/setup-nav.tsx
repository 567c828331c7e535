import { Link } from '@tanstack/react-router'
import { setup as words } from '../words-for-setup.ts'

/** Between the lists of how the broker is set up. */
export function SetupNav() {
  const { label, integrations, flows, proposals } = words.nav
  return (
    <nav className="lk-nav lk-subnav" aria-label={label}>
      <Link to="/integrations">{integrations}</Link>
      <Link to="/access-flows" activeOptions={{ includeSearch: false }} search={{ integration: '' }}>
        {flows}
      </Link>
      <Link to="/proposals" activeOptions={{ includeSearch: false }} search={{ state: undefined }}>
        {proposals}
      </Link>
    </nav>
  )
}
