import { words } from '../words.ts'

/** A moment in the viewer's zone, and in UTC when one points at it. */
export function Moment({ at }: { readonly at: string }) {
  const moment = new Date(at)
  const utc = moment.toISOString().replace('T', ' ').slice(0, 19)
  return (
    <time dateTime={at} title={words.utc(utc)}>
      {LOCAL.format(moment)}
    </time>
  )
}

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
