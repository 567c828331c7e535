import { Link } from '@tanstack/react-router'
import { work as words } from '../words-for-work.ts'

/** Between the lists of all that is done in systems. */
export function WorkNav() {
  const { label, runs, rotations, certificates, distributions } = words.nav
  return (
    <nav className="lk-nav lk-subnav" aria-label={label}>
      <Link to="/runs" activeOptions={{ exact: true, includeSearch: false }} search={{ state: undefined }}>
        {runs}
      </Link>
      <Link to="/rotations">{rotations}</Link>
      <Link to="/certificates">{certificates}</Link>
      <Link to="/distributions">{distributions}</Link>
    </nav>
  )
}
