import { Link } from '@tanstack/react-router'
import icon from '../icon.svg'
import { words } from '../words.ts'

export function Brand() {
  return (
    <Link to="/" className="lk-brand">
      <img src={icon} alt="" width={28} height={28} />
      <span>{words.app}</span>
    </Link>
  )
}
